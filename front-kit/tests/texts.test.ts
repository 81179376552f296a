/** That pages say in their own language what the API refuses. */
import { describe, expect, test } from "vitest";

import api from "../../shared/contracts/generated/openapi/back-api.json";
import auth from "../../shared/contracts/generated/openapi/back-auth.json";
import { LOCALES } from "../i18n/index.ts";
import { kitTexts } from "../i18n/kit.ts";
import { failureText } from "../ui/form.tsx";

interface Operation {
  readonly responses?: Record<
    string,
    { content?: Record<string, { examples?: Record<string, unknown> }> }
  >;
}

/** The codes of all problems that public calls of the contracts name. */
function codes(): string[] {
  const found = new Set<string>();
  for (const [path, operations] of Object.entries({ ...api.paths, ...auth.paths })) {
    if (!/^\/(api|auth)\//.test(path)) continue;
    for (const { responses = {} } of Object.values(operations as Record<string, Operation>)) {
      for (const { content = {} } of Object.values(responses)) {
        Object.keys(content["application/problem+json"]?.examples ?? {}).forEach((it) => found.add(it));
      }
    }
  }
  return [...found].sort();
}

describe("what the API refuses", () => {
  test.each(LOCALES)("has a text for each code of the contracts in %s", (locale) => {
    const known = Object.keys(kitTexts[locale].problems);
    expect(codes()).toContain("wrong_password");
    expect(codes().filter((it) => !known.includes(it))).toEqual([]);
  });

  test("is not shown in the API's own words", () => {
    const failure = { status: 409, code: "new_one", detail: "In English.", correlationId: "", errors: [] };
    expect(failureText(kitTexts.es, { ...failure, retryAfter: null })).toBe(kitTexts.es.unexpected);
  });
});
