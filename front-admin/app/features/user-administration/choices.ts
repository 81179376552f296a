import type { Schema } from "@tools-dashboard/front-kit/server/index.ts";

export const ROLES = ["user", "admin"] as const satisfies readonly Schema<"AdministeredUser">["role"][];
export const STATUSES = [
  "active",
  "suspended",
] as const satisfies readonly Schema<"AdministeredUser">["status"][];
