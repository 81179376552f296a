/** A new password in place of the one of now. */
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
import { redirect } from "react-router";

import { documents } from "../../../documents.server.ts";
import { texts } from "../texts.ts";
import type { Route } from "./+types/password.ts";

export function loader({ request }: Route.LoaderArgs) {
  return {
    rules: rulesOf(documents, "ChangePassword"),
    saved: new URL(request.url).searchParams.has("saved"),
  };
}

export async function action({ request, context }: Route.ActionArgs) {
  const form = await request.formData();
  const answer = await visitorOf(context).session.api.POST("/auth/password", {
    body: { current: String(form.get("current")), new: String(form.get("new")) },
  });
  if (!answer.response.ok) return refused(answer, { byCode: { wrong_password: "current" } });
  return redirect("/account/password?saved=1");
}

export default function ChangePassword({ loaderData, actionData }: Route.ComponentProps) {
  const t = useTexts(texts);
  const { rules, saved } = loaderData;
  return (
    <div className="readable stack">
      <PageHead title={t.title} lead={t.lead} />
      {saved && !actionData && (
        <Notice kind="success" role="status">
          <p>{t.saved}</p>
        </Notice>
      )}
      <Card>
        <ApiForm failure={actionData} labels={{ current: t.current, new: t.new }}>
          <PasswordField
            name="current"
            label={t.current}
            rules={rules.current}
            autoComplete="current-password"
          />
          <PasswordField
            counted
            name="new"
            label={t.new}
            rules={rules.new}
            autoComplete="new-password"
          />
          <SubmitButton>{t.submit}</SubmitButton>
        </ApiForm>
      </Card>
    </div>
  );
}
