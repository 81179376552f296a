/** Background tasks of everybody: their progress, and their cancellation. */
import { useFormat, useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { refused, required, socketUrl, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import type { Schema } from "@tools-dashboard/front-kit/server/index.ts";
import {
  ApiForm,
  EmptyState,
  PageHead,
  Pagination,
  Progress,
  Row,
  SubmitButton,
  Table,
} from "@tools-dashboard/front-kit/ui/index.ts";
import { redirect } from "react-router";

import { settings } from "../../../settings.server.ts";
import { Coded, textOf } from "../../../ui/coded.tsx";
import { taskTexts } from "../../../ui/task-texts.ts";
import { LiveTasks, TaskStatus, isOpen } from "../../../ui/tasks.tsx";
import { texts } from "../texts.ts";
import type { Route } from "./+types/tasks.ts";

type Task = Schema<"BackgroundTask">;

export async function loader({ request, context }: Route.LoaderArgs) {
  const { session } = visitorOf(context);
  const before = new URL(request.url).searchParams.get("before");
  const page = required(await session.api.GET("/api/tasks", { params: { query: { before } } }));
  return { ...page, socketUrl: socketUrl(settings) };
}

export async function action({ request, context }: Route.ActionArgs) {
  const { session } = visitorOf(context);
  const path = { task_id: String((await request.formData()).get("task_id")) };
  const answer = await session.api.DELETE("/api/tasks/{task_id}", { params: { path } });
  return answer.data ? redirect("/tasks") : refused(answer);
}

export default function Tasks({ loaderData, actionData }: Route.ComponentProps) {
  const { items, next, socketUrl } = loaderData;
  const t = useTexts(texts);
  return (
    <div className="stack">
      <PageHead title={t.tasks} lead={t.lead} />
      {items.length === 0 ? (
        <EmptyState title={t.none}>
          <p>{t.noneText}</p>
        </EmptyState>
      ) : (
        <ApiForm failure={actionData}>
          <Table
            caption={t.tasks}
            head={[t.kind, t.status, t.progress, t.started, t.finished, t.actions]}
          >
            <LiveTasks tasks={items} socketUrl={socketUrl}>
              {(tasks) => tasks.map((task) => <TaskRow key={task.id} task={task} />)}
            </LiveTasks>
          </Table>
        </ApiForm>
      )}
      <Pagination next={next} label={t.pages} />
    </div>
  );
}

function TaskRow(props: { readonly task: Task }) {
  const { task } = props;
  const t = useTexts(texts);
  const format = useFormat();
  const text = textOf(useTexts(taskTexts).kinds, task.kind);
  const name = text ?? task.kind;
  return (
    <Row>
      <th scope="row">
        <Coded text={text} code={task.kind} />
      </th>
      <td>
        <TaskStatus task={task} />
      </td>
      <td>
        <Progress label={t.progressOf(name)} percent={task.progress} />
      </td>
      <td className="moment">{format.moment(task.created_at)}</td>
      <td className="moment">{task.finished_at ? format.moment(task.finished_at) : "–"}</td>
      <td>
        {isOpen(task) && (
          <SubmitButton
            name="task_id"
            value={task.id}
            kind="secondary"
            size="small"
            aria-label={t.cancelOf(name)}
            busy={false}
          >
            {t.cancel}
          </SubmitButton>
        )}
      </td>
    </Row>
  );
}
