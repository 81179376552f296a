/** What a front does for every request: origin, policy, language, paths, settings, problems. */
import { describe, expect, test, vi } from "vitest";

import { localeOf } from "../i18n/index.ts";
import { gatewayFetch } from "../server/api.ts";
import { visitorOf, ownPath } from "../server/front.ts";
import { comesFromOwnPage } from "../server/origin.ts";
import { contentSecurityPolicy, newNonce, setPageHeaders } from "../server/policy.ts";
import { failureOf, formFailure, part, refusedWithKey } from "../server/problem.ts";
import { rulesOf } from "../server/rules.ts";
import { settingsFrom } from "../server/settings.ts";
import { Browser, FakeGateway, reading, sending, thrown } from "../testing/gateway.ts";

const HERE = "http://127.0.0.1:8000";

function posted(headers: Record<string, string>): Request {
  return new Request(`${HERE}/app/login`, { method: "POST", headers });
}

describe("the origin check", () => {
  test.each([
    ["a page of its own", { "Sec-Fetch-Site": "same-origin" }, true],
    ["its own origin, where the browser says no more", { Origin: HERE }, true],
    ["another site", { "Sec-Fetch-Site": "cross-site", Origin: HERE }, false],
    ["another host of the site", { "Sec-Fetch-Site": "same-site" }, false],
    ["another origin", { Origin: "https://evil.example" }, false],
    ["nowhere", {}, false],
  ])("a form from %s", (_from, headers, accepted) => {
    expect(comesFromOwnPage(posted(headers as never), HERE)).toBe(accepted);
  });

  test("reads are free", () => {
    expect(comesFromOwnPage(new Request(HERE), HERE)).toBe(true);
  });

  test("a form of another site reaches no handler", async () => {
    const foreign = new Request("http://front/app/login", { method: "POST" });
    const ran: string[] = [];

    const error = await thrown(
      new Browser(new FakeGateway({})).run(foreign, () => {
        ran.push("handler");
      }),
    );

    expect((error as { init: { status: number } }).init.status).toBe(403);
    expect(ran).toEqual([]);
  });
});

describe("the form of a request", () => {
  const own = { "Sec-Fetch-Site": "same-origin" };
  const type = (name: string) => ({ ...own, "Content-Type": name });

  test.each([
    ["JSON", type("application/json"), '{"email": "a"}'],
    ["no type", { ...own, "Content-Length": "3" }, new Uint8Array([1, 2, 3])],
    ["broken multipart", type("multipart/form-data; boundary=x"), "--x\r\ngarbage"],
  ])("of %s reaches no handler", async (_what, headers, body) => {
    const sent = new Request("http://front/app/login", { method: "POST", headers, body });
    const ran: string[] = [];

    const error = await thrown(
      new Browser(new FakeGateway({})).run(sent, () => {
        ran.push("handler");
      }),
    );

    expect((error as { init: { status: number } }).init.status).toBe(400);
    expect(ran).toEqual([]);
  });

  test("is left for the handler to read, or absent", async () => {
    const browser = new Browser(new FakeGateway({}));
    const read = async ({ request }: { request: Request }) => (await request.formData()).get("a");
    const empty = new Request("http://front/app/live/ticket", { method: "POST", headers: own });

    expect(await browser.run(sending("/app/login", { a: "1" }), read)).toBe("1");
    expect(await browser.run(empty, () => "ran")).toBe("ran");
  });
});

describe("the policy of a page", () => {
  test("runs scripts with this nonce only, and no inline style", () => {
    const policy = contentSecurityPolicy("abc", "https://tools.example");

    expect(policy).toContain("script-src 'self' 'nonce-abc';");
    expect(policy).toContain("style-src 'self';");
    expect(policy).not.toContain("unsafe");
    expect(policy).toContain("connect-src 'self' wss://tools.example;");
    expect(policy).toContain("frame-ancestors 'none'");
  });

  test("has another nonce each time, and is kept by nobody", () => {
    const headers = new Headers();
    setPageHeaders(headers, "p");

    expect(newNonce()).not.toBe(newNonce());
    expect(headers.get("Cache-Control")).toBe("no-store");
  });
});

describe("the language", () => {
  test.each([
    ["es", "en", "es"],
    [null, "fr, es;q=0.8, en;q=0.5", "es"],
    [null, "en;q=0.3, es;q=0.9", "es"],
    ["xx", "de", "en"],
    [null, null, "en"],
  ])("chosen %s, asked for %s: %s", (chosen, asked, locale) => {
    expect(localeOf(chosen, asked)).toBe(locale);
  });

  test("and the time zone are kept, and a broken one is not used", async () => {
    const browser = new Browser(new FakeGateway({}));
    await browser.run(sending("/app/choices", {}), ({ context }) => {
      visitorOf(context).choose({ locale: "es", timeZone: "Europe/Madrid", theme: "dark" });
    });
    const kept = await browser.visitor();
    browser.cookies.set("time_zone", Buffer.from('"Nowhere/Else"').toString("base64"));

    expect([kept.locale, kept.timeZone, kept.theme]).toEqual(["es", "Europe/Madrid", "dark"]);
    expect((await browser.visitor(reading("/app"))).timeZone).toBe("UTC");
  });
});

test.each([
  ["/app/profile?a=1", "/profile?a=1"],
  ["/app", "/"],
  ["//evil.example/app", "/home"],
  ["https://evil.example/app/x", "/home"],
  ["/\\evil.example", "/home"],
  ["/apple", "/home"],
  [null, "/home"],
])("after a log-in, next=%s leads to %s", (next, path) => {
  expect(ownPath(next, "/app", "/home")).toBe(path);
});

describe("problems", () => {
  const answer = (status: number, body: unknown, headers: Record<string, string> = {}) => ({
    error: body,
    response: new Response(null, { status, headers }),
  });

  test("land at the field that the pointer names, the first one of each", () => {
    const errors = [
      { pointer: "/email", code: "value_error", message: "no" },
      { pointer: "/email", code: "string_too_long", message: "long" },
      { pointer: "/a/b", code: "missing", message: "gone" },
    ];
    const { fields } = formFailure(answer(422, { status: 422, code: "validation_failed", errors }));

    expect(fields).toEqual({
      email: { code: "value_error", message: "no" },
      a: { code: "missing", message: "gone" },
    });
  });

  test("land at a field by their code, where they name none", () => {
    const body = { status: 403, code: "wrong_password", detail: "No." };

    expect(formFailure(answer(403, body), { wrong_password: "current" }).fields).toEqual({
      current: { code: "wrong_password", message: "No." },
    });
    expect(formFailure(answer(403, body)).fields).toEqual({});
  });

  test.each([
    [422, "access_list_missing", false],
    [409, "tool_name_taken", false],
    [409, "request_in_progress", true],
    [429, "too_many_requests", true],
    [503, "unavailable", true],
  ])("%s %s leaves the form its key: %s", (status, code, kept) => {
    const { data } = refusedWithKey(answer(status, { status, code, detail: "No." }), "key-1");

    expect(data.failure.code).toBe(code);
    expect(data.key === "key-1").toBe(kept);
    expect(data.key).toBeTruthy();
  });

  test("keep the wait, and are read also without a body", () => {
    const failure = failureOf(answer(503, "<html>", { "Retry-After": "7" }));

    expect([failure.code, failure.retryAfter]).toEqual(["unavailable", 7]);
  });

  test("make a part missing, not the page", () => {
    expect(part(answer(503, null)).state).toBe("missing");
    expect(part({ data: 1, response: new Response() })).toEqual({ state: "ready", value: 1 });
  });
});

test("rules of fields come from the document, also those of optional texts", () => {
  const text = { anyOf: [{ maxLength: 9 }, { type: "null" }] };
  const model = { properties: { email: { maxLength: 5, minLength: 2 }, company: text }, required: ["email"] };
  const document = { components: { schemas: { UserRegistration: model } } };

  expect(rulesOf([document], "UserRegistration")).toEqual({
    email: { required: true, minLength: 2, maxLength: 5 },
    company: { required: false, maxLength: 9 },
  });
  expect(() => rulesOf([document], "Login")).toThrow("Login");
});

test.each([
  [{ ENVIRONMENT: "staging" }, "staging"],
  [{ PORT: "many" }, "PORT"],
  [{ GATEWAY_URL: "nowhere" }, "GATEWAY_URL"],
])("settings %o are refused", (env, named) => {
  expect(() => settingsFrom(env, 4101)).toThrow(named);
});

test("without ENVIRONMENT it is production", () => {
  expect(settingsFrom({}, 4101).environment).toBe("production");
});

describe("the time of a call", () => {
  test.each([
    ["an answer", {}, true],
    ["a file", { "Content-Disposition": 'attachment; filename="users.csv"' }, false],
  ])("%s that is still arriving is ended: %o", async (_what, headers, ended) => {
    vi.useFakeTimers();
    const signals: AbortSignal[] = [];
    const settings = settingsFrom({ ENVIRONMENT: "test", CALL_SECONDS: "10" }, 4101);
    const caller = { address: "127.0.0.1", correlationId: "c", userAgent: null };
    const call = gatewayFetch(settings, caller, (request) => {
      signals.push(request.signal);
      return Promise.resolve(new Response("first", { headers: headers as never }));
    });

    await call(new Request(`${HERE}/api/file`));
    vi.advanceTimersByTime(10_001);
    vi.useRealTimers();

    expect(signals.map((it) => it.aborted)).toEqual([ended]);
  });
});
