/** What the live connection of a page needs from the front's server. */
import { visitorOf } from "./front.ts";
import type { Settings } from "./settings.ts";
import type { RouterContextProvider } from "react-router";

/** The address of the gateway's socket, as browsers reach it. */
export function socketUrl(settings: Settings): string {
  return `${settings.publicBaseUrl.replace(/^http/, "ws")}/ws/notifications`;
}

/** The action of a front's route for tickets: 200 with one, 401 without a session, or 503. */
export async function ticketResponse(context: Readonly<RouterContextProvider>): Promise<Response> {
  const { session } = visitorOf(context);
  if (session.interrupted) return new Response(null, { status: 503 });
  if (!session.user) return new Response(null, { status: 401 });
  const { data } = await session.api.POST("/auth/ws-ticket");
  return data ? Response.json({ ticket: data.ticket }) : new Response(null, { status: 503 });
}
