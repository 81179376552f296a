/** What a user wants to be told, and by which channel. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import type { Schema } from "@tools-dashboard/front-kit/server/contract.ts";
import { refused, required, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import {
  ApiForm,
  Card,
  Notice,
  PageHead,
  SelectField,
  SubmitButton,
  Table,
} from "@tools-dashboard/front-kit/ui/index.ts";
import { redirect } from "react-router";

import { texts } from "../texts.ts";
import type { Route } from "./+types/preferences.ts";

type Preferences = Schema<"Preferences">;

const DIGESTS: readonly Preferences["digest"][] = ["off", "daily"];

export async function loader({ request, context }: Route.LoaderArgs) {
  const answer = await visitorOf(context).session.api.GET("/api/notifications/preferences");
  return {
    preferences: required(answer),
    saved: new URL(request.url).searchParams.has("saved"),
  };
}

export async function action({ request, context }: Route.ActionArgs) {
  const form = await request.formData();
  const shown = form.getAll("kind").map(String);
  const kinds = Object.fromEntries(
    shown.map((kind) => [
      kind,
      { live: form.has(`${kind}.live`), mail: form.has(`${kind}.mail`) },
    ]),
  );
  const digest = DIGESTS.find((it) => it === form.get("digest")) ?? "off";
  const answer = await visitorOf(context).session.api.PUT("/api/notifications/preferences", {
    body: { kinds, digest },
  });
  if (!answer.response.ok) return refused(answer);
  return redirect("/notifications/preferences?saved=1");
}

export default function PreferencesPage({ loaderData, actionData }: Route.ComponentProps) {
  const t = useTexts(texts);
  const { preferences, saved } = loaderData;
  const names: Readonly<Record<string, string>> = t.kinds;
  return (
    <div className="readable stack">
      <PageHead title={t.preferencesTitle} lead={t.preferencesLead} />
      {saved && !actionData && (
        <Notice kind="success" role="status">
          <p>{t.saved}</p>
        </Notice>
      )}
      <Card>
        <ApiForm failure={actionData}>
          <Table caption={t.preferencesTitle} head={[t.kind, t.live, t.mail]}>
            {Object.entries(preferences.kinds).map(([kind, channels]) => {
              const name = names[kind] ?? kind;
              return (
                <tr key={kind}>
                  <th scope="row" >
                    <input type="hidden" name="kind" value={kind} />
                    {name}
                  </th>
                  {(["live", "mail"] as const).map((channel) => (
                    <td key={channel}>
                      <input
                        type="checkbox"
                        name={`${kind}.${channel}`}
                        aria-label={`${name}: ${t[channel]}`}
                        defaultChecked={channels[channel]}
                      />
                    </td>
                  ))}
                </tr>
              );
            })}
          </Table>
          <SelectField name="digest" label={t.digest} defaultValue={preferences.digest}>
            {DIGESTS.map((it) => (
              <option key={it} value={it}>
                {t.digests[it]}
              </option>
            ))}
          </SelectField>
          <SubmitButton>{t.save}</SubmitButton>
        </ApiForm>
      </Card>
    </div>
  );
}
