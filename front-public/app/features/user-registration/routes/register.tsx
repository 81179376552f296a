/** Sign up. The answer is the same for a free and for a taken address. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { refused, rulesOf, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import {
  ApiForm,
  Card,
  CheckField,
  PageHead,
  PasswordField,
  SubmitButton,
  TextField,
} from "@tools-dashboard/front-kit/ui/index.ts";
import { Link, redirect } from "react-router";

import { documents } from "../../../documents.server.ts";
import { registeredAddress } from "../../../registered-address.server.ts";
import { texts } from "../texts.ts";
import type { Route } from "./+types/register.ts";

export function loader({ context }: Route.LoaderArgs) {
  if (visitorOf(context).session.user) throw redirect("/");
  return { rules: rulesOf(documents, "UserRegistration") };
}

export async function action({ request, context }: Route.ActionArgs) {
  const { api } = visitorOf(context).session;
  const form = await request.formData();
  const email = String(form.get("email"));
  const answer = await api.POST("/api/user-registration", {
    body: {
      email,
      password: String(form.get("password")),
      accept_terms: form.get("accept_terms") === "on",
    },
  });
  if (!answer.response.ok) {
    const values = { email, accept_terms: form.get("accept_terms") };
    return refused(answer, { byCode: { terms_not_accepted: "accept_terms" }, values });
  }
  return redirect("/register/sent", {
    headers: { "Set-Cookie": await registeredAddress.serialize(email) },
  });
}

export default function Register({ loaderData, actionData }: Route.ComponentProps) {
  const t = useTexts(texts);
  const { rules } = loaderData;
  return (
    <>
      <PageHead title={t.title} lead={t.lead} />
      <Card>
        <ApiForm
          failure={actionData}
          labels={{ email: t.email, password: t.password, accept_terms: t.terms }}
        >
          <TextField
            name="email"
            type="email"
            label={t.email}
            hint={t.emailHint}
            rules={rules.email}
            autoComplete="username"
          />
          <PasswordField
            counted
            name="password"
            label={t.password}
            rules={rules.password}
            autoComplete="new-password"
          />
          <CheckField name="accept_terms" label={t.terms} rules={rules.accept_terms} />
          <SubmitButton>{t.submit}</SubmitButton>
        </ApiForm>
      </Card>
      <p>
        {t.haveAccount} <Link to="/login">{t.logIn}</Link>
      </p>
    </>
  );
}
