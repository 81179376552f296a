/** Actions that every front has a route for. */
import { redirect } from "react-router";
import type { RouterContextProvider } from "react-router";

import { asLocale } from "../i18n/index.ts";
import { THEMES, ownPath, visitorOf } from "./front.ts";

/** What the action of a route gets. */
interface Sent {
  readonly request: Request;
  readonly context: Readonly<RouterContextProvider>;
}

/**
 * What an action answers whose page is shown again. A form that the browser sent by itself is led
 * back to that page, so that a reload does not send it once more.
 */
export function stay({ request, context }: Sent): Response | null {
  if (request.headers.get("Sec-Fetch-Mode") !== "navigate") return null;
  const { pathname, searchParams } = new URL(request.url);
  searchParams.delete("index");
  const query = searchParams.size > 0 ? `?${searchParams}` : "";
  return redirect(ownPath(`${pathname}${query}`, visitorOf(context).basePath, "/"));
}

/** Keep the choice of language and theme, and go back to the page that it was made on. */
export async function keepChoice({ request, context }: Sent): Promise<Response> {
  const form = await request.formData();
  const locale = asLocale(form.get("locale"));
  const theme = THEMES.find((it) => it === form.get("theme"));
  visitorOf(context).choose({ ...(locale && { locale }), ...(theme && { theme }) });
  return redirect(ownPath(String(form.get("return_to")), "", "/"));
}

/** End the session, in the API and in the browser. */
export async function logOut({ context }: Pick<Sent, "context">): Promise<Response> {
  const { session } = visitorOf(context);
  if (session.user) await session.api.POST("/auth/logout");
  session.end();
  return redirect("/login?out=1");
}
