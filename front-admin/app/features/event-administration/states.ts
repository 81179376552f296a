import type { Schema } from "@tools-dashboard/front-kit/server/index.ts";

type State = Schema<"ListedDelivery">["state"];

export const STATES = ["pending", "sent", "leased", "done", "dead"] as const satisfies readonly State[];

/** The look of each state's badge. */
export const STATE_KINDS = {
  pending: "neutral",
  sent: "accent",
  leased: "accent",
  done: "success",
  dead: "danger",
} as const satisfies Record<State, string>;
