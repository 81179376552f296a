/** The account: who it is, and since when. */
import { useFormat, useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { required, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import { Card, Facts, PageHead } from "@tools-dashboard/front-kit/ui/index.ts";

import { texts } from "../texts.ts";
import type { Route } from "./+types/overview.ts";

export async function loader({ context }: Route.LoaderArgs) {
  return required(await visitorOf(context).session.api.GET("/api/users/me"));
}

export default function Account({ loaderData: account }: Route.ComponentProps) {
  const t = useTexts(texts);
  const format = useFormat();
  const roles: Readonly<Record<string, string>> = t.roles;
  return (
    <div className="readable stack">
      <PageHead title={t.title} />
      <Card>
        <Facts
          items={[
            [t.email, account.email],
            [t.since, format.day(account.created_at)],
            [t.role, roles[account.role] ?? account.role],
          ]}
        />
      </Card>
    </div>
  );
}
