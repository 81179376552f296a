/** The profile, to be seen and changed. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { refused, required, rulesOf, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import {
  ApiForm,
  Card,
  Notice,
  PageHead,
  Progress,
  SubmitButton,
} from "@tools-dashboard/front-kit/ui/index.ts";
import { redirect } from "react-router";

import { chooseAsProfile } from "../../../choose-as-profile.server.ts";
import { documents } from "../../../documents.server.ts";
import { profileFrom, timeZones } from "../form.server.ts";
import { texts } from "../texts.ts";
import { ProfileFields, profileLabels } from "../ui/profile-fields.tsx";
import type { Route } from "./+types/edit.ts";

export async function loader({ request, context }: Route.LoaderArgs) {
  const { session } = visitorOf(context);
  const answer = await session.api.GET("/api/profile");
  if (answer.response.status === 404) throw redirect("/profile/create");
  return {
    profile: required(answer),
    rules: rulesOf(documents, "ProfileCreate"),
    zones: timeZones(),
    saved: new URL(request.url).searchParams.has("saved"),
  };
}

export async function action({ request, context }: Route.ActionArgs) {
  const visitor = visitorOf(context);
  const body = profileFrom(await request.formData());
  const answer = await visitor.session.api.PATCH("/api/profile", { body });
  if (!answer.response.ok) return refused(answer, { values: body });
  await chooseAsProfile(visitor);
  return redirect("/profile?saved=1");
}

export default function EditProfile({ loaderData, actionData }: Route.ComponentProps) {
  const t = useTexts(texts);
  const { profile, rules, zones, saved } = loaderData;
  const full = profile.completion >= 100;
  return (
    <div className="readable stack">
      <PageHead title={t.editTitle} />
      {saved && !actionData && (
        <Notice kind="success" role="status">
          <p>{t.saved}</p>
        </Notice>
      )}
      <Card>
        <div className="stack-small">
          <div className="row-between">
            <strong>{t.completion(profile.completion)}</strong>
            <span className="soft small">{full ? t.complete : t.incomplete}</span>
          </div>
          <Progress label={t.completionLabel} percent={profile.completion} />
        </div>
        <ApiForm failure={actionData} labels={profileLabels(t)}>
          <ProfileFields
            key={profile.updated_at}
            rules={rules}
            values={profile}
            zones={zones.includes(profile.timezone) ? zones : [profile.timezone, ...zones]}
          />
          <SubmitButton>{t.save}</SubmitButton>
        </ApiForm>
      </Card>
    </div>
  );
}
