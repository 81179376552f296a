/** The types of the public API, generated from the contracts. */
import type { components } from "../../shared/contracts/generated/types.ts";

export type { paths } from "../../shared/contracts/generated/types.ts";

export type Schemas = components["schemas"];

/** A model of the public API by its name in `shared/models`. */
export type Schema<Name extends keyof Schemas> = Schemas[Name];

/** An error of the public API (RFC 9457). */
export type Problem = Schema<"Problem">;
