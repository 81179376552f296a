/** The file with all that is kept about the user. */
import { failureOf, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import { redirect } from "react-router";

import type { Route } from "./+types/download.ts";

/** Without a session, or without an answer, it leads to the page that offers the file. */
export async function loader({ context }: Route.LoaderArgs) {
  const { session } = visitorOf(context);
  if (session.interrupted || !session.user) return redirect("/account/data");
  const answer = await session.api.GET("/api/users/me/export");
  if (!answer.data) {
    const refused = failureOf(answer).status === 429 ? "often" : "out";
    return redirect(`/account/data?refused=${refused}`);
  }
  return new Response(JSON.stringify(answer.data, null, 2), {
    headers: {
      "Content-Type": "application/json",
      "Content-Disposition": 'attachment; filename="tools-dashboard-data.json"',
      "X-Content-Type-Options": "nosniff",
    },
  });
}
