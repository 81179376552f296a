/** Deliveries of events: what waits, what failed, and dead letters sent again. */
import { useFormat, useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { refusedWithKey, required, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import {
  ApiForm,
  Badge,
  EmptyState,
  Notice,
  PageHead,
  Pagination,
  Row,
  SelectField,
  SubmitButton,
  Table,
  TextField,
} from "@tools-dashboard/front-kit/ui/index.ts";
import { Link, redirect } from "react-router";

import { consumers } from "../../../contracts.server.ts";
import { chosen } from "../../../query.ts";
import { Coded, textOf } from "../../../ui/coded.tsx";
import { Confirm } from "../../../ui/confirm.tsx";
import { eventTexts } from "../../../ui/event-texts.ts";
import { Filters } from "../../../ui/filters.tsx";
import { STATES, STATE_KINDS } from "../states.ts";
import { texts } from "../texts.ts";
import type { Route } from "./+types/events.ts";

const REPLAYED_AT_ONCE = 100;

export async function loader({ request, context }: Route.LoaderArgs) {
  const { session } = visitorOf(context);
  const params = new URL(request.url).searchParams;
  const filter = {
    state: chosen(STATES, params.get("state")),
    consumer: chosen(consumers, params.get("consumer")),
    type: params.get("type") || null,
  };
  const query = { ...filter, before: params.get("before") };
  const page = required(await session.api.GET("/api/admin/events", { params: { query } }));
  const replayed = params.get("replayed");
  return {
    filter,
    page,
    consumers,
    replayed: replayed === null ? null : Number(replayed),
    key: crypto.randomUUID(),
  };
}

/** Sends dead letters of a consumer and a type again. */
export async function action({ request, context }: Route.ActionArgs) {
  const { session } = visitorOf(context);
  const form = await request.formData();
  const consumer = String(form.get("consumer")) || null;
  const event_type = String(form.get("type")) || null;
  const key = String(form.get("key"));
  const answer = await session.api.POST("/api/admin/events/replay", {
    params: { header: { "Idempotency-Key": key } },
    body: { consumer, event_type, limit: REPLAYED_AT_ONCE },
  });
  if (!answer.data) return refusedWithKey(answer, key);
  return redirect(`/events?state=dead&replayed=${answer.data.replayed}`);
}

export default function Events({ loaderData, actionData }: Route.ComponentProps) {
  const { filter, page, replayed, key } = loaderData;
  const t = useTexts(texts);
  const types = useTexts(eventTexts);
  const format = useFormat();
  return (
    <div className="stack">
      <PageHead title={t.events} lead={t.lead} />
      {replayed !== null && !actionData && (
        <Notice kind="success" role="status">
          <p>{t.replayed(replayed)}</p>
        </Notice>
      )}
      <Filters label={t.filter} submit={t.apply}>
        <SelectField name="state" label={t.state} defaultValue={filter.state ?? ""}>
          <option value="">{t.all}</option>
          {STATES.map((state) => (
            <option key={state} value={state}>
              {t.states[state]}
            </option>
          ))}
        </SelectField>
        <SelectField name="consumer" label={t.consumer} defaultValue={filter.consumer ?? ""}>
          <option value="">{t.all}</option>
          {loaderData.consumers.map((consumer) => (
            <option key={consumer}>{consumer}</option>
          ))}
        </SelectField>
        <TextField name="type" label={t.type} defaultValue={filter.type ?? ""} />
      </Filters>
      {filter.state === "dead" && (filter.consumer || filter.type) && page.items.length > 0 && (
        <ApiForm failure={actionData} idempotencyKey={key}>
          <input type="hidden" name="consumer" value={filter.consumer ?? ""} />
          <input type="hidden" name="type" value={filter.type ?? ""} />
          <Confirm title={t.replayAll} text={t.replayAllText}>
            <SubmitButton>{t.confirm}</SubmitButton>
          </Confirm>
        </ApiForm>
      )}
      {page.items.length === 0 ? (
        <EmptyState title={t.none}>
          <p>{t.noneText}</p>
        </EmptyState>
      ) : (
        <Table
          caption={t.events}
          head={[t.type, t.consumer, t.state, t.attempts, t.created, t.lastError]}
        >
          {page.items.map((it) => (
            <Row key={it.delivery_id}>
              <th scope="row">
                <Link to={`/events/${it.delivery_id}`}>
                  <Coded text={textOf(types, it.event_type)} code={it.event_type} />
                </Link>
              </th>
              <td>{it.consumer}</td>
              <td>
                <Badge kind={STATE_KINDS[it.state]}>{t.states[it.state]}</Badge>
              </td>
              <td className="number">{format.number(it.attempts)}</td>
              <td className="moment">{format.moment(it.created_at)}</td>
              <td className="small">{it.last_error ?? "–"}</td>
            </Row>
          ))}
        </Table>
      )}
      <Pagination next={page.next} label={t.pages} />
    </div>
  );
}
