/** What the library asks the catalogue. */
import { part } from "@tools-dashboard/front-kit/server/index.ts";
import type { Answer, Api } from "@tools-dashboard/front-kit/server/index.ts";

const PAGE = 24;

/** The tools that the address asks for, and all categories; either may be missing. */
export async function toolsOf(api: Api, params: URLSearchParams) {
  const text = (name: string): string | undefined => params.get(name)?.trim() || undefined;
  const [search, category, before] = [text("search"), text("category"), text("before")];
  const query = {
    limit: PAGE,
    ...(search && { search }),
    ...(category && { category }),
    ...(before && { before }),
    ...(params.has("favourite") && { favourite: true }),
  };
  const [tools, categories] = await Promise.all([
    api.GET("/api/tools", { params: { query } }),
    api.GET("/api/tools/categories"),
  ]);
  return { tools: part(tools), categories: part(categories) };
}

/** Make a tool a favourite, or one no longer, as the form says. */
export function setFavourite(api: Api, form: FormData): Promise<Answer<unknown>> {
  const params = { path: { tool_id: String(form.get("tool_id")) } };
  return form.get("favourite") === "true"
    ? api.PUT("/api/tools/{tool_id}/favourite", { params })
    : api.DELETE("/api/tools/{tool_id}/favourite", { params });
}
