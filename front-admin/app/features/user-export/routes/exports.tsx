/** Exports of the users: start one, watch it, download its file by a link for one use. */
import { useFormat, useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { refused, refusedWithKey, required, socketUrl, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import {
  ApiForm,
  EmptyState,
  Notice,
  PageHead,
  Pagination,
  Progress,
  Row,
  SubmitButton,
  Table,
} from "@tools-dashboard/front-kit/ui/index.ts";
import { redirect, redirectDocument } from "react-router";

import { chosen } from "../../../query.ts";
import { settings } from "../../../settings.server.ts";
import { LiveTasks, TaskStatus } from "../../../ui/tasks.tsx";
import { texts } from "../texts.ts";
import type { Route } from "./+types/exports.ts";

const KIND = "user_export";
/** Why a download came to nothing: its link was used or is too old, or the file can't be read now. */
const REFUSED = ["link", "out"] as const;

/** `key` makes a repeat of the form the same export. */
export async function loader({ request, context }: Route.LoaderArgs) {
  const { session } = visitorOf(context);
  const params = new URL(request.url).searchParams;
  const before = params.get("before");
  const query = { kind: KIND, before };
  const page = required(await session.api.GET("/api/tasks", { params: { query } }));
  const exports = page.items.map((it) => ({ ...it, rows: rowsOf(it.result) }));
  const refused = chosen(REFUSED, params.get("refused"));
  return {
    exports,
    next: page.next,
    refused,
    key: crypto.randomUUID(),
    socketUrl: socketUrl(settings),
  };
}

/** With a `task_id` it sends the browser to a fresh link of that export; else it starts one. */
export async function action({ request, context }: Route.ActionArgs) {
  const { session } = visitorOf(context);
  const form = await request.formData();
  const task = form.get("task_id");
  if (task !== null) {
    const path = { task_id: String(task) };
    const link = await session.api.POST("/api/exports/{task_id}/link", { params: { path } });
    if (!link.data) return refused(link);
    const token = link.data.url.split("/").at(-1) ?? "";
    return redirectDocument(`/exports/download?token=${encodeURIComponent(token)}`);
  }
  const key = String(form.get("key"));
  const header = { "Idempotency-Key": key };
  const answer = await session.api.POST("/api/admin/exports/users", { params: { header } });
  return answer.data ? redirect("/exports") : refusedWithKey(answer, key);
}

function rowsOf(result: unknown): number | null {
  const rows = typeof result === "object" && result !== null && "rows" in result && result.rows;
  return typeof rows === "number" ? rows : null;
}

export default function Exports({ loaderData, actionData }: Route.ComponentProps) {
  const { exports, next, refused, key, socketUrl } = loaderData;
  const t = useTexts(texts);
  const format = useFormat();
  return (
    <div className="stack">
      <PageHead title={t.exports} lead={t.lead}>
        <ApiForm failure={null} idempotencyKey={actionData?.key ?? key}>
          <SubmitButton>{t.start}</SubmitButton>
        </ApiForm>
      </PageHead>
      {refused && !actionData && (
        <Notice kind="warning" role="alert">
          <p>{t.refused[refused]}</p>
        </Notice>
      )}
      {exports.length === 0 ? (
        <EmptyState title={t.none}>
          <p>{t.noneText}</p>
        </EmptyState>
      ) : (
        <ApiForm failure={actionData}>
          <Table caption={t.exports} head={[t.started, t.status, t.progress, t.rows, t.file]}>
            <LiveTasks tasks={exports} socketUrl={socketUrl}>
              {(tasks) =>
                tasks.map((it) => (
                  <Row key={it.id}>
                    <th scope="row" className="moment">{format.moment(it.created_at)}</th>
                    <td>
                      <TaskStatus task={it} />
                    </td>
                    <td>
                      <Progress label={t.progressOf} percent={it.progress} />
                    </td>
                    <td className="number">{it.rows === null ? "–" : format.number(it.rows)}</td>
                    <td>
                      {it.status === "succeeded" && (
                        <SubmitButton
                          name="task_id"
                          value={it.id}
                          kind="secondary"
                          size="small"
                          busy={false}
                        >
                          {t.download}
                        </SubmitButton>
                      )}
                    </td>
                  </Row>
                ))
              }
            </LiveTasks>
          </Table>
        </ApiForm>
      )}
      <Pagination next={next} label={t.pages} />
    </div>
  );
}
