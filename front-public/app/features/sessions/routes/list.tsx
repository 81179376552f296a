/** The open sessions of a user. */
import { useFormat, useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { failureOf, required, stay, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import { Badge, Facts, PageHead, SubmitButton } from "@tools-dashboard/front-kit/ui/index.ts";
import { data, Form } from "react-router";

import { deviceOf } from "../device.ts";
import { texts } from "../texts.ts";
import type { Route } from "./+types/list.ts";

export async function loader({ context }: Route.LoaderArgs) {
  return required(await visitorOf(context).session.api.GET("/auth/sessions"));
}

/** `id` ends that session; without it all others end. */
export async function action({ request, context }: Route.ActionArgs) {
  const { api } = visitorOf(context).session;
  const id = (await request.formData()).get("id");
  const answer = id
    ? await api.DELETE("/auth/sessions/{session_id}", {
        params: { path: { session_id: String(id) } },
      })
    : await api.DELETE("/auth/sessions");
  // 404: it has ended already.
  if (answer.response.ok || answer.response.status === 404) return stay({ request, context });
  throw data(failureOf(answer), { status: answer.response.status });
}

export default function Sessions({ loaderData }: Route.ComponentProps) {
  const t = useTexts(texts);
  const format = useFormat();
  const { items } = loaderData;
  const nameOf = (userAgent: string): string => {
    const device = deviceOf(userAgent);
    return device ? t.on(device.browser, device.system) : userAgent || t.unknownDevice;
  };
  return (
    <div className="readable stack">
      <PageHead title={t.title} lead={t.lead}>
        {items.length > 1 && (
          <Form method="post">
            <SubmitButton kind="danger" size="small">
              {t.endOthers}
            </SubmitButton>
          </Form>
        )}
      </PageHead>
      <ul className="stack-small" role="list">
        {items.map((session) => (
          <li key={session.id} className="card">
            <div className="row-between">
              <div className="row">
                <h2>{nameOf(session.device)}</h2>
                {session.current && <Badge kind="success">{t.thisOne}</Badge>}
              </div>
              {!session.current && (
                <Form method="post">
                  <input type="hidden" name="id" value={session.id} />
                  <SubmitButton
                    kind="secondary"
                    size="small"
                    aria-label={t.endOne(nameOf(session.device))}
                  >
                    {t.end}
                  </SubmitButton>
                </Form>
              )}
            </div>
            <Facts
              items={[
                [t.lastUsed, format.moment(session.last_used_at)],
                [t.opened, format.moment(session.created_at)],
                [t.network, session.network],
              ]}
            />
          </li>
        ))}
      </ul>
    </div>
  );
}
