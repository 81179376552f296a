/** That pages say in their own language what the contracts name by a code. */
import { expect, test } from "vitest";

import { LOCALES } from "@tools-dashboard/front-kit/i18n/index.ts";

import registry from "../../shared/kit/contract_registry.json";
import workers from "../../shared/contracts/generated/openapi/back-workers.json";
import { eventTexts } from "../app/ui/event-texts.ts";
import { taskTexts } from "../app/ui/task-texts.ts";

test.each(LOCALES)("each type of event has a text in %s, and no other", (locale) => {
  expect(Object.keys(eventTexts[locale]).sort()).toEqual(Object.keys(registry.routing).sort());
});

test.each(LOCALES)("each kind of task has a text in %s, and no other", (locale) => {
  const { kind } = workers.components.schemas.StartBackgroundTask.properties;
  expect(Object.keys(taskTexts[locale].kinds).sort()).toEqual([...kind.enum].sort());
});
