/** A ticket for the socket of the page that asks. */
import { ticketResponse } from "@tools-dashboard/front-kit/server/live.ts";

import type { Route } from "./+types/ticket.ts";

export function action({ context }: Route.ActionArgs) {
  return ticketResponse(context);
}
