/** Behind the link of the confirmation mail: the password confirms the registration. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { refused, rulesOf, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import {
  ApiForm,
  Card,
  Notice,
  PageHead,
  PasswordField,
  SubmitButton,
} from "@tools-dashboard/front-kit/ui/index.ts";
import { Link, redirect } from "react-router";

import { documents } from "../../../documents.server.ts";
import { registeredAddress } from "../../../registered-address.server.ts";
import { texts } from "../texts.ts";
import type { Route } from "./+types/confirm.ts";

export function loader({ request }: Route.LoaderArgs) {
  const token = new URL(request.url).searchParams.get("token");
  return { rules: rulesOf(documents, "VerifyEmail"), token };
}

export async function action({ request, context }: Route.ActionArgs) {
  const { session } = visitorOf(context);
  const form = await request.formData();
  const password = String(form.get("password"));
  const answer = await session.api.POST("/auth/verify-email", {
    body: { token: String(form.get("token")), password },
  });
  if (!answer.response.ok) return refused(answer, { byCode: { invalid_credentials: "password" } });
  const forget = { headers: { "Set-Cookie": await registeredAddress.serialize("", { maxAge: 0 }) } };
  // Only the browser that signed up knows the address: any other one logs in by itself.
  const email: unknown = await registeredAddress.parse(request.headers.get("Cookie"));
  if (typeof email !== "string" || !email) return redirect("/login?confirmed=1", forget);
  const login = await session.api.POST("/auth/login", { body: { email, password } });
  if (!login.data) return redirect("/login?confirmed=1", forget);
  session.start(login.data);
  return redirect("/profile/create", forget);
}

export default function Confirm({ loaderData, actionData }: Route.ComponentProps) {
  const t = useTexts(texts);
  const { rules, token } = loaderData;
  const dead = actionData?.failure.status === 400 || actionData?.failure.status === 410;
  return (
    <>
      <PageHead title={t.title} lead={t.lead} />
      {token ? (
        <Card>
          <ApiForm failure={actionData} labels={{ password: t.password }}>
            <input type="hidden" name="token" value={token} />
            <PasswordField
              name="password"
              label={t.password}
              rules={rules.password}
              autoComplete="current-password"
            />
            <SubmitButton>{t.submit}</SubmitButton>
          </ApiForm>
        </Card>
      ) : (
        <Notice kind="warning">
          <p>{t.noToken}</p>
        </Notice>
      )}
      {dead && (
        <p>
          {t.dead} <Link to="/register">{t.again}</Link> · <Link to="/login">{t.logIn}</Link>
        </p>
      )}
    </>
  );
}
