/** Ends the session, in the API and in the browser. */
import { logOut } from "@tools-dashboard/front-kit/server/index.ts";
import { redirect } from "react-router";

import type { Route } from "./+types/logout.ts";

export const action = (sent: Route.ActionArgs) => logOut(sent);

export function loader() {
  return redirect("/");
}
