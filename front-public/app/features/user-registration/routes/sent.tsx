/** What to do after signing up. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { Card, PageHead } from "@tools-dashboard/front-kit/ui/index.ts";
import { Link } from "react-router";

import { registeredAddress } from "../../../registered-address.server.ts";
import { texts } from "../texts.ts";
import type { Route } from "./+types/sent.ts";

export async function loader({ request }: Route.LoaderArgs) {
  const email: unknown = await registeredAddress.parse(request.headers.get("Cookie"));
  return { email: typeof email === "string" ? email : null };
}

export default function Sent({ loaderData }: Route.ComponentProps) {
  const t = useTexts(texts);
  const { email } = loaderData;
  return (
    <>
      <PageHead title={t.sentTitle} />
      <Card>
        <p>
          <strong>{email ? t.sentTo(email) : t.sent}</strong>
        </p>
        <p>{t.sentNext}</p>
        <p className="soft">
          {t.nothing} <Link to="/register">{t.again}</Link>.
        </p>
      </Card>
    </>
  );
}
