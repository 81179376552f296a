/** The file of an export, by the token of a link for one use. */
import { failureOf, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import { redirect } from "react-router";

import type { Route } from "./+types/download.ts";

/** What a browser sends to go on with a download that broke off. */
const ASKED = ["Range", "If-Range"] as const;
const PASSED_ON = [
  "Content-Type",
  "Content-Disposition",
  "Content-Length",
  "Content-Range",
  "Accept-Ranges",
  "ETag",
] as const;

/** A link that is used or too old leads to the exports, which say so. */
export async function loader({ request, context }: Route.LoaderArgs) {
  const { session } = visitorOf(context);
  const token = new URL(request.url).searchParams.get("token") ?? "";
  const answer = await session.api.GET("/api/exports/download/{token}", {
    params: { path: { token } },
    headers: taken(request.headers, ASKED),
    parseAs: "stream",
  });
  const { response } = answer;
  if (!response.ok) {
    return redirect(`/exports?refused=${failureOf(answer).status === 503 ? "out" : "link"}`);
  }
  const headers = taken(response.headers, PASSED_ON);
  headers.set("X-Content-Type-Options", "nosniff");
  return new Response(response.body, { status: response.status, headers });
}

function taken(from: Headers, names: readonly string[]): Headers {
  const headers = new Headers();
  for (const name of names) {
    const value = from.get(name);
    if (value) headers.set(name, value);
  }
  return headers;
}
