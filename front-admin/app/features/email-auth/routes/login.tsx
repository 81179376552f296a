/** Log in as an admin, with a mail address and a password. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { ownPath, refused, rulesOf, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import {
  ApiForm,
  Card,
  Notice,
  PageHead,
  PasswordField,
  SubmitButton,
  TextField,
} from "@tools-dashboard/front-kit/ui/index.ts";
import { redirect } from "react-router";

import { documents } from "../../../documents.server.ts";
import { texts } from "../texts.ts";
import type { Route } from "./+types/login.ts";

export function loader({ request, context }: Route.LoaderArgs) {
  const { searchParams } = new URL(request.url);
  const next = ownPath(searchParams.get("next"), "/admin", "/");
  if (visitorOf(context).session.user) throw redirect(next);
  const notice = searchParams.has("refused") ? "refused" : searchParams.has("out") ? "out" : null;
  return { rules: rulesOf(documents, "Login"), next, notice } as const;
}

export async function action({ request, context }: Route.ActionArgs) {
  const { session } = visitorOf(context);
  const form = await request.formData();
  const email = String(form.get("email"));
  const answer = await session.api.POST("/auth/login", {
    body: { email, password: String(form.get("password")) },
    ...(session.deviceToken && { headers: { "X-Device-Token": session.deviceToken } }),
  });
  if (!answer.data) return refused(answer, { values: { email } });
  session.start(answer.data);
  return redirect(ownPath(String(form.get("next")), "", "/"));
}

export default function Login({ loaderData, actionData }: Route.ComponentProps) {
  const t = useTexts(texts);
  const { rules, next, notice } = loaderData;
  return (
    <>
      <PageHead title={t.title} lead={t.lead} />
      {notice === "refused" && !actionData && (
        <Notice kind="warning" role="alert">
          <p>{t.refused}</p>
        </Notice>
      )}
      {notice === "out" && !actionData && (
        <Notice kind="success" role="status">
          <p>{t.loggedOut}</p>
        </Notice>
      )}
      <Card>
        <ApiForm failure={actionData} labels={{ email: t.email, password: t.password }}>
          <input type="hidden" name="next" value={next} />
          <TextField
            name="email"
            type="email"
            label={t.email}
            rules={rules.email}
            autoComplete="username"
          />
          <PasswordField
            name="password"
            label={t.password}
            rules={rules.password}
            autoComplete="current-password"
          />
          <SubmitButton>{t.submit}</SubmitButton>
        </ApiForm>
      </Card>
    </>
  );
}
