/** One delivery with its event, and the form that sends it again. */
import { useFormat, useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { refusedWithKey, required, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import {
  ApiForm,
  Badge,
  Card,
  Facts,
  Notice,
  PageHead,
  SubmitButton,
} from "@tools-dashboard/front-kit/ui/index.ts";
import { Link, redirect } from "react-router";

import { textOf } from "../../../ui/coded.tsx";
import { eventTexts } from "../../../ui/event-texts.ts";
import { Json } from "../../../ui/json.tsx";
import { STATE_KINDS } from "../states.ts";
import { texts } from "../texts.ts";
import type { Route } from "./+types/event.ts";

export async function loader({ request, params, context }: Route.LoaderArgs) {
  const { session } = visitorOf(context);
  const path = { delivery_id: params.deliveryId };
  const delivery = required(
    await session.api.GET("/api/admin/events/{delivery_id}", { params: { path } }),
  );
  const replayed = new URL(request.url).searchParams.has("replayed");
  return { delivery, replayed, key: crypto.randomUUID() };
}

export async function action({ request, params, context }: Route.ActionArgs) {
  const { session } = visitorOf(context);
  const form = await request.formData();
  const key = String(form.get("key"));
  const answer = await session.api.POST("/api/admin/events/{delivery_id}/replay", {
    params: {
      path: { delivery_id: params.deliveryId },
      header: { "Idempotency-Key": key },
    },
  });
  if (!answer.data) return refusedWithKey(answer, key);
  return redirect(`/events/${params.deliveryId}?replayed=1`);
}

export default function Event({ loaderData, actionData }: Route.ComponentProps) {
  const { delivery, replayed, key } = loaderData;
  const t = useTexts(texts);
  const types = useTexts(eventTexts);
  const format = useFormat();
  return (
    <div className="stack">
      <p>
        <Link to="/events">{t.back}</Link>
      </p>
      <PageHead
        title={textOf(types, delivery.event_type) ?? delivery.event_type}
        lead={`${t.consumer}: ${delivery.consumer}`}
      >
        {delivery.state === "dead" && (
          <ApiForm failure={actionData} idempotencyKey={key}>
            <SubmitButton>{t.replay}</SubmitButton>
          </ApiForm>
        )}
      </PageHead>
      {replayed && !actionData && (
        <Notice kind="success" role="status">
          <p>{t.replayed(1)}</p>
        </Notice>
      )}
      {delivery.last_error && (
        <Notice kind="danger">
          <p>
            <strong>{t.lastError}</strong>
          </p>
          <p className="mono wrap-anywhere preserve-lines">{delivery.last_error}</p>
        </Notice>
      )}
      <Card>
        <h2>{t.delivery}</h2>
        <Facts
          items={[
            [
              t.state,
              <Badge kind={STATE_KINDS[delivery.state]}>{t.states[delivery.state]}</Badge>,
            ],
            [t.attempts, format.number(delivery.attempts)],
            [t.created, format.moment(delivery.created_at)],
            [t.due, delivery.due_at ? format.moment(delivery.due_at) : "–"],
            [t.done, delivery.done_at ? format.moment(delivery.done_at) : "–"],
          ]}
        />
      </Card>
      <Card>
        <h2>{t.event}</h2>
        <Facts
          items={[
            [t.type, <span className="mono wrap-anywhere">{delivery.event_type}</span>],
            [t.occurred, format.moment(delivery.occurred_at)],
            [t.version, format.number(delivery.version)],
            [t.aggregate, <span className="mono wrap-anywhere">{delivery.aggregate_id}</span>],
            [t.correlation, <span className="mono wrap-anywhere">{delivery.correlation_id}</span>],
          ]}
        />
        <h3>{t.payload}</h3>
        <Json value={delivery.payload} label={t.payload} />
      </Card>
    </div>
  );
}
