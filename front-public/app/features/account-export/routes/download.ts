/** The file with all that is kept about the user. */
import { required, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";

import type { Route } from "./+types/download.ts";

export async function loader({ context }: Route.LoaderArgs) {
  const { session } = visitorOf(context);
  if (session.interrupted) return new Response(null, { status: 503 });
  if (!session.user) return new Response(null, { status: 401 });
  const data = required(await session.api.GET("/api/users/me/export"));
  return new Response(JSON.stringify(data, null, 2), {
    headers: {
      "Content-Type": "application/json",
      "Content-Disposition": 'attachment; filename="tools-dashboard-data.json"',
      "X-Content-Type-Options": "nosniff",
    },
  });
}
