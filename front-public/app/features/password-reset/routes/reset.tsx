/** A forgotten password: ask for a link, and behind the link set another password. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { refused, rulesOf, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import {
  ApiForm,
  Card,
  PageHead,
  PasswordField,
  SubmitButton,
  TextField,
} from "@tools-dashboard/front-kit/ui/index.ts";
import { Link, redirect } from "react-router";

import { documents } from "../../../documents.server.ts";
import { texts } from "../texts.ts";
import type { Route } from "./+types/reset.ts";

export function loader({ request }: Route.LoaderArgs) {
  const { searchParams } = new URL(request.url);
  return {
    token: searchParams.get("token"),
    sent: searchParams.has("sent"),
    ask: rulesOf(documents, "RequestPasswordReset"),
    set: rulesOf(documents, "ConfirmPasswordReset"),
  };
}

export async function action({ request, context }: Route.ActionArgs) {
  const { session } = visitorOf(context);
  const form = await request.formData();
  if (!form.has("token")) {
    const body = { email: String(form.get("email")) };
    const asked = await session.api.POST("/auth/password-reset", { body });
    return asked.response.ok ? redirect("/password-reset?sent=1") : refused(asked, { values: body });
  }
  const answer = await session.api.POST("/auth/password-reset/confirm", {
    body: { token: String(form.get("token")), password: String(form.get("password")) },
  });
  if (!answer.response.ok) return refused(answer);
  session.end();
  return redirect("/login?reset=1");
}

export default function ResetPassword({ loaderData, actionData }: Route.ComponentProps) {
  const t = useTexts(texts);
  const { token, sent, ask, set } = loaderData;
  if (token) {
    return (
      <>
        <PageHead title={t.newTitle} lead={t.newLead} />
        <Card>
          <ApiForm failure={actionData} labels={{ password: t.password }}>
            <input type="hidden" name="token" value={token} />
            <PasswordField
              counted
              name="password"
              label={t.password}
              rules={set.password}
              autoComplete="new-password"
            />
            <SubmitButton>{t.save}</SubmitButton>
          </ApiForm>
        </Card>
        {actionData?.failure.status === 400 && (
          <p>
            {t.dead} <Link to="/password-reset">{t.again}</Link>.
          </p>
        )}
      </>
    );
  }
  if (sent) {
    return (
      <>
        <PageHead title={t.sentTitle} />
        <Card>
          <p>{t.sent}</p>
        </Card>
        <p>
          <Link to="/login">{t.back}</Link>
        </p>
      </>
    );
  }
  return (
    <>
      <PageHead title={t.title} lead={t.lead} />
      <Card>
        <ApiForm failure={actionData} labels={{ email: t.email }}>
          <TextField
            name="email"
            type="email"
            label={t.email}
            rules={ask.email}
            autoComplete="username"
          />
          <SubmitButton>{t.send}</SubmitButton>
        </ApiForm>
      </Card>
      <p>
        <Link to="/login">{t.back}</Link>
      </p>
    </>
  );
}
