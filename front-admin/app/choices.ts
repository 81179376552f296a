/** Keeps the choice of language and theme. */
import { THEMES, ownPath, visitorOf } from "@tools-dashboard/front-kit/server/front.ts";
import { asLocale } from "@tools-dashboard/front-kit/i18n/index.ts";
import { redirect } from "react-router";

import type { Route } from "./+types/choices.ts";

export async function action({ request, context }: Route.ActionArgs) {
  const form = await request.formData();
  const locale = asLocale(form.get("locale"));
  const theme = THEMES.find((it) => it === form.get("theme"));
  visitorOf(context).choose({ ...(locale && { locale }), ...(theme && { theme }) });
  return redirect(ownPath(String(form.get("return_to")), "", "/"));
}
