/** Keeps the choice of language and theme. */
import { keepChoice } from "@tools-dashboard/front-kit/server/index.ts";

import type { Route } from "./+types/choices.ts";

export const action = (sent: Route.ActionArgs) => keepChoice(sent);
