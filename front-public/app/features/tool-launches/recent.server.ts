/** The tools that a user launched last. */
import { part } from "@tools-dashboard/front-kit/server/index.ts";
import type { Api } from "@tools-dashboard/front-kit/server/index.ts";

const SHOWN = 4;

export async function recentTools(api: Api) {
  return part(await api.GET("/api/tools/recent", { params: { query: { limit: SHOWN } } }));
}
