/** The first thing after the confirmation: a profile. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { refusedWithKey, rulesOf, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import { ApiForm, Card, PageHead, SubmitButton } from "@tools-dashboard/front-kit/ui/index.ts";
import { redirect } from "react-router";

import { chooseAsProfile } from "../../../choose-as-profile.server.ts";
import { documents } from "../../../documents.server.ts";
import { profileFrom, timeZones } from "../form.server.ts";
import { texts } from "../texts.ts";
import { ProfileFields, profileLabels } from "../ui/profile-fields.tsx";
import type { Route } from "./+types/create.ts";

export async function loader({ context }: Route.LoaderArgs) {
  const { session, locale } = visitorOf(context);
  const profile = await session.api.GET("/api/profile");
  if (profile.data) throw redirect("/profile");
  return {
    rules: rulesOf(documents, "ProfileCreate"),
    zones: timeZones(),
    language: locale,
    key: crypto.randomUUID(),
  };
}

export async function action({ request, context }: Route.ActionArgs) {
  const visitor = visitorOf(context);
  const form = await request.formData();
  const key = String(form.get("key"));
  const body = profileFrom(form);
  const answer = await visitor.session.api.POST("/api/profile", {
    params: { header: { "Idempotency-Key": key } },
    body,
  });
  // 409: there is one, by another tab or a repeat of this form.
  if (!answer.response.ok && answer.response.status !== 409) {
    return refusedWithKey(answer, key, body);
  }
  await chooseAsProfile(visitor);
  return redirect("/");
}

export default function CreateProfile({ loaderData, actionData }: Route.ComponentProps) {
  const t = useTexts(texts);
  const { rules, zones, language, key } = loaderData;
  return (
    <div className="readable stack">
      <PageHead title={t.createTitle} lead={t.createLead} />
      <Card>
        <ApiForm failure={actionData} labels={profileLabels(t)} idempotencyKey={key}>
          <ProfileFields rules={rules} values={{ language }} zones={zones} guessZone />
          <SubmitButton>{t.create}</SubmitButton>
        </ApiForm>
      </Card>
    </div>
  );
}
