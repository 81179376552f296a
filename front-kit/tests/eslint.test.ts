/** Each rule of the fronts, broken once. */
import { ESLint } from "eslint";
import { expect, test } from "vitest";

// @ts-expect-error: the rules are a plain module, which has no types.
import { frontRules } from "../eslint/index.js";

const PAGE = "app/features/profile/routes/page.tsx";
const eslint = new ESLint({ overrideConfigFile: true, overrideConfig: frontRules });

async function complaints(code: string, filePath = PAGE): Promise<string> {
  const [result] = await eslint.lintText(code, { filePath });
  return (result?.messages ?? []).map(({ message }) => message).join("\n");
}

test.each([
  ["a database", 'import pg from "pg"; pg();', "opens no database"],
  ["another client", 'import got from "got"; got();', "calls the gateway alone"],
  ["fetch", 'void fetch("http://back-api:8100/api");', "calls the gateway alone"],
  ["a cookie in script", "void document.cookie;", "holds no token"],
  ["storage", 'localStorage.setItem("token", "t");', "holds no token"],
  ["another feature", 'import { texts } from "../../sessions/texts.ts"; texts();', "no other one"],
  ["a type of the API", "export interface Me { first_name: string }", "are generated"],
  ["an inline style", "export const a = <p style={{}} />;", "no inline style"],
  ["HTML", "export const a = <p dangerouslySetInnerHTML={{ __html: '' }} />;", "never HTML"],
])("%s is refused", async (_what, code, message) => {
  expect(await complaints(code)).toContain(message);
});

test("another feature is refused also from the top of a feature", async () => {
  const code = 'import { texts } from "../sessions/texts.ts"; texts();';

  expect(await complaints(code, "app/features/profile/form.ts")).toContain("no other one");
});

test("a feature imports its own files, what is above the features, and the kit", async () => {
  const code = `
    import { texts } from "../texts.ts";
    import { documents } from "../../../documents.server.ts";
    import { Card } from "@tools-dashboard/front-kit/ui/index.ts";
    export const used = [texts, documents, Card];
  `;

  expect(await complaints(code)).toBe("");
});
