/** Log in with a mail address and a password. */
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
import { Link, redirect } from "react-router";

import { chooseAsProfile } from "../../../choose-as-profile.server.ts";
import { documents } from "../../../documents.server.ts";
import { texts } from "../texts.ts";
import type { Route } from "./+types/login.ts";

/** Parameters of the address that say what happened before. */
const NEWS = ["out", "confirmed", "reset"] as const;

export function loader({ request, context }: Route.LoaderArgs) {
  const { searchParams } = new URL(request.url);
  const next = ownPath(searchParams.get("next"), "/app", "/");
  if (visitorOf(context).session.user) throw redirect(next);
  const news = NEWS.find((it) => searchParams.has(it)) ?? null;
  return { rules: rulesOf(documents, "Login"), next, news };
}

export async function action({ request, context }: Route.ActionArgs) {
  const visitor = visitorOf(context);
  const { session } = visitor;
  const form = await request.formData();
  const email = String(form.get("email"));
  const answer = await session.api.POST("/auth/login", {
    body: { email, password: String(form.get("password")) },
    ...(session.deviceToken && { headers: { "X-Device-Token": session.deviceToken } }),
  });
  if (!answer.data) return refused(answer, { values: { email } });
  session.start(answer.data);
  await chooseAsProfile(visitor);
  return redirect(ownPath(String(form.get("next")), "", "/"));
}

export default function Login({ loaderData, actionData }: Route.ComponentProps) {
  const t = useTexts(texts);
  const { rules, next, news } = loaderData;
  return (
    <>
      <PageHead title={t.title} />
      {news && (
        <Notice kind="success" role="status">
          <p>{t[news]}</p>
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
      <p>
        {t.noAccount} <Link to="/register">{t.register}</Link>
      </p>
      <p>
        <Link to="/password-reset">{t.forgotten}</Link>
      </p>
    </>
  );
}
