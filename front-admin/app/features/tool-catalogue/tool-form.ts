/** The form of a tool, as the API takes it. */
import type { Schema } from "@tools-dashboard/front-kit/server/index.ts";
import { TOOL_ICONS } from "@tools-dashboard/front-kit/ui/index.ts";

import { chosen } from "../../query.ts";

type Tool = Schema<"ToolCreate">;

export const ACCESSES = ["all", "except", "only"] as const satisfies readonly Tool["access"][];
export const ROLES = ["user", "admin"] as const satisfies readonly NonNullable<Tool["roles"]>[number][];

/** All fields of the form; what is wrong with them the API says. */
export function toolOf(form: FormData): Tool {
  const text = (name: string): string => String(form.get(name) ?? "").trim();
  return {
    name: text("name"),
    summary: text("summary"),
    category: text("category"),
    icon: chosen(TOOL_ICONS, form.get("icon")) ?? null,
    url: text("url"),
    access: chosen(ACCESSES, form.get("access")) ?? "all",
    roles: ROLES.filter((role) => form.getAll("roles").includes(role)),
    user_ids: text("user_ids").split(/[\s,]+/).filter(Boolean),
  };
}

/** A tool as the form shows it again. */
export function sentTool(tool: Tool): Readonly<Record<string, unknown>> {
  return { ...tool, user_ids: tool.user_ids?.join("\n") };
}
