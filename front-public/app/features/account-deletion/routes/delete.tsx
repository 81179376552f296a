/** The end of an account, by its password. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { refused, rulesOf, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import {
  ApiForm,
  Card,
  CheckField,
  PageHead,
  PasswordField,
  SubmitButton,
} from "@tools-dashboard/front-kit/ui/index.ts";
import { redirect } from "react-router";

import { documents } from "../../../documents.server.ts";
import { texts } from "../texts.ts";
import { WhatIsKept } from "../ui/what-is-kept.tsx";
import type { Route } from "./+types/delete.ts";

export function loader() {
  return { rules: rulesOf(documents, "DeleteAccount") };
}

export async function action({ request, context }: Route.ActionArgs) {
  const { session } = visitorOf(context);
  const form = await request.formData();
  const answer = await session.api.DELETE("/api/users/me", {
    body: { password: String(form.get("password")) },
  });
  if (!answer.response.ok) return refused(answer, { byCode: { wrong_password: "password" } });
  session.end();
  return redirect("/account-deleted");
}

export default function DeleteAccount({ loaderData, actionData }: Route.ComponentProps) {
  const t = useTexts(texts);
  return (
    <div className="readable stack">
      <PageHead title={t.title} lead={t.lead} />
      <Card>
        <ApiForm failure={actionData} labels={{ password: t.password }}>
          <PasswordField
            name="password"
            label={t.password}
            rules={loaderData.rules.password}
            autoComplete="current-password"
          />
          <CheckField name="sure" label={t.sure} required />
          <SubmitButton kind="danger">{t.submit}</SubmitButton>
        </ApiForm>
      </Card>
      <WhatIsKept />
    </div>
  );
}
