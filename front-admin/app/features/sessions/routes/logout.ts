/** Ends the session, in the API and in the browser. */
import { visitorOf } from "@tools-dashboard/front-kit/server/front.ts";
import { redirect } from "react-router";

import type { Route } from "./+types/logout.ts";

export async function action({ context }: Route.ActionArgs) {
  const { session } = visitorOf(context);
  if (session.user) await session.api.POST("/auth/logout");
  session.end();
  return redirect("/login?out=1");
}

export function loader() {
  return redirect("/");
}
