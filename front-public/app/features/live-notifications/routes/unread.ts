/** The count of unread notifications, for a page whose socket has just opened. */
import { visitorOf } from "@tools-dashboard/front-kit/server/index.ts";

import type { Route } from "./+types/unread.ts";

export async function loader({ context }: Route.LoaderArgs) {
  const { session } = visitorOf(context);
  if (!session.user) return Response.json({ unread: null });
  const { data } = await session.api.GET("/api/notifications/unread-count");
  return Response.json({ unread: data?.unread ?? null });
}
