/**
 * Opens a tool. A form posts here into a new tab; the page that it gets leads on to the tool. A
 * redirect would not do: the page's policy lets no form end at another site.
 */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { required, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import { PageHead } from "@tools-dashboard/front-kit/ui/index.ts";
import { Link } from "react-router";

import { texts } from "../texts.ts";
import type { Route } from "./+types/launch.ts";

export async function action({ request, params, context }: Route.ActionArgs) {
  const key = String((await request.formData()).get("key"));
  const answer = await visitorOf(context).session.api.POST("/api/tools/{tool_id}/launch", {
    params: { path: { tool_id: params.toolId }, header: { "Idempotency-Key": key } },
  });
  return required(answer);
}

export default function Launch({ actionData }: Route.ComponentProps) {
  const t = useTexts(texts);
  if (!actionData) {
    return (
      <p>
        <Link to="/">{t.back}</Link>
      </p>
    );
  }
  const { url } = actionData;
  return (
    <div className="readable stack">
      <meta httpEquiv="refresh" content={`0; url=${url}`} />
      <PageHead title={t.opening} lead={t.openingLead} />
      <p>
        <a className="wrap-anywhere" href={url} rel="noreferrer">
          {url}
        </a>
      </p>
    </div>
  );
}
