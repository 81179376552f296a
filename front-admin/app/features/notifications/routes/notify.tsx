/** A notification from an admin to one user. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { refusedWithKey, required, rulesOf, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import {
  ApiForm,
  Card,
  Notice,
  PageHead,
  SubmitButton,
  TextArea,
  TextField,
} from "@tools-dashboard/front-kit/ui/index.ts";
import { Link, redirect } from "react-router";

import { documents } from "../../../documents.server.ts";
import { texts } from "../texts.ts";
import type { Route } from "./+types/notify.ts";

/** `key` makes a repeat of the form the same notification. */
export async function loader({ request, params, context }: Route.LoaderArgs) {
  const { session } = visitorOf(context);
  const path = { user_id: params.userId };
  const user = required(await session.api.GET("/api/admin/users/{user_id}", { params: { path } }));
  return {
    user: { id: user.id, email: user.email },
    rules: rulesOf(documents, "Notify"),
    sent: new URL(request.url).searchParams.has("sent"),
    key: crypto.randomUUID(),
  };
}

export async function action({ request, params, context }: Route.ActionArgs) {
  const { session } = visitorOf(context);
  const form = await request.formData();
  const key = String(form.get("key"));
  const body = { title: String(form.get("title")), body: String(form.get("body")) };
  const answer = await session.api.POST("/api/admin/users/{user_id}/notify", {
    params: {
      path: { user_id: params.userId },
      header: { "Idempotency-Key": key },
    },
    body,
  });
  if (!answer.data) return refusedWithKey(answer, key, body);
  return redirect(`/users/${params.userId}/notify?sent=1`);
}

export default function NotifyUser({ loaderData, actionData }: Route.ComponentProps) {
  const { user, rules, sent, key } = loaderData;
  const t = useTexts(texts);
  return (
    <div className="stack readable">
      <p>
        <Link to={`/users/${user.id}`}>{t.back}</Link>
      </p>
      <PageHead title={t.title} lead={t.lead(user.email)} />
      {sent && !actionData && (
        <Notice kind="success" role="status">
          <p>{t.sent}</p>
        </Notice>
      )}
      <Card>
        <ApiForm
          failure={actionData}
          labels={{ title: t.subject, body: t.body }}
          idempotencyKey={key}
          key={sent ? key : ""}
        >
          <TextField name="title" label={t.subject} rules={rules.title} />
          <TextArea name="body" label={t.body} rules={rules.body} rows={5} />
          <SubmitButton>{t.send}</SubmitButton>
        </ApiForm>
      </Card>
    </div>
  );
}
