/** The file of an export, by the token of a link for one use. */
import { failureOf, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import { redirect } from "react-router";

import type { Route } from "./+types/download.ts";

const PASSED_ON = ["Content-Type", "Content-Disposition", "Content-Length"] as const;

/** A link that is used or too old leads to the exports, which say so. */
export async function loader({ request, context }: Route.LoaderArgs) {
  const { session } = visitorOf(context);
  const token = new URL(request.url).searchParams.get("token") ?? "";
  const answer = await session.api.GET("/api/exports/download/{token}", {
    params: { path: { token } },
    parseAs: "stream",
  });
  const { response } = answer;
  if (!response.ok) {
    return redirect(`/exports?refused=${failureOf(answer).status === 503 ? "out" : "link"}`);
  }
  const headers = new Headers({ "X-Content-Type-Options": "nosniff" });
  for (const name of PASSED_ON) {
    const value = response.headers.get(name);
    if (value) headers.set(name, value);
  }
  return new Response(response.body, { headers });
}
