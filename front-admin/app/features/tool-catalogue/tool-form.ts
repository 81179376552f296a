/** The form of a tool, as the API takes it. */
import type { Schema } from "@tools-dashboard/front-kit/server/index.ts";

import { chosen } from "../../query.ts";

type Tool = Schema<"ToolCreate">;

export const ACCESSES = ["all", "except", "only"] as const satisfies readonly Tool["access"][];
export const ROLES = ["user", "admin"] as const satisfies readonly NonNullable<Tool["roles"]>[number][];
export const ICONS = [
  "book",
  "calendar",
  "chart",
  "chat",
  "cloud",
  "code",
  "database",
  "document",
  "folder",
  "globe",
  "image",
  "key",
  "mail",
  "map",
  "money",
  "people",
  "shield",
  "terminal",
  "video",
  "wrench",
] as const satisfies readonly Tool["icon"][];

/** All fields of the form; what is wrong with them the API says. */
export function toolOf(form: FormData): Tool {
  const text = (name: string): string => String(form.get(name) ?? "").trim();
  return {
    name: text("name"),
    summary: text("summary"),
    category: text("category"),
    icon: chosen(ICONS, form.get("icon")) ?? null,
    url: text("url"),
    access: chosen(ACCESSES, form.get("access")) ?? "all",
    roles: ROLES.filter((role) => form.getAll("roles").includes(role)),
    user_ids: text("user_ids").split(/[\s,]+/).filter(Boolean),
  };
}
