/** What loaders and actions ask of the API, and what they make of its answers. */
import {
  Browser,
  FakeGateway,
  loggedIn,
  problem,
  reading,
  refusal,
  run,
  sending,
  target,
  thrown,
  tokens,
} from "@tools-dashboard/front-kit/testing/gateway.ts";
import { describe, expect, test } from "vitest";

import * as home from "../app/home.tsx";
import * as deletion from "../app/features/account-deletion/routes/delete.tsx";
import * as login from "../app/features/email-auth/routes/login.tsx";
import * as confirm from "../app/features/email-verification/routes/confirm.tsx";
import * as ticket from "../app/features/live-notifications/routes/ticket.ts";
import * as preferences from "../app/features/notifications/routes/preferences.tsx";
import * as password from "../app/features/password-change/routes/password.tsx";
import * as reset from "../app/features/password-reset/routes/reset.tsx";
import * as profile from "../app/features/profile/routes/edit.tsx";
import * as logout from "../app/features/sessions/routes/logout.ts";
import * as launch from "../app/features/tool-launches/routes/launch.tsx";
import * as register from "../app/features/user-registration/routes/register.tsx";

describe("log in", () => {
  const form = { email: "a@example.com", password: "p", next: "/profile" };

  test("keeps the tokens and goes on to where the user wanted to", async () => {
    const gateway = new FakeGateway({
      "POST /auth/login": { body: tokens("new") },
      "GET /api/profile": { body: { language: "es", timezone: "Europe/Madrid" } },
    });
    const browser = new Browser(gateway);

    expect(target(await run(browser, login.action, sending("/app/login", form)))).toBe("/profile");
    expect((await browser.visitor()).session.user?.userId).toBe("user-1");
    expect((await browser.visitor()).locale).toBe("es");
  });

  test("sends the device token of this browser the next time", async () => {
    const gateway = new FakeGateway({
      "POST /auth/login": { body: tokens("new") },
      "POST /auth/logout": { status: 204 },
      "GET /api/profile": problem(404, "profile_not_found"),
    });
    const browser = new Browser(gateway);
    await run(browser, login.action, sending("/app/login", form));
    await run(browser, logout.action, sending("/app/logout", {}));
    await run(browser, login.action, sending("/app/login", form));
    const logins = gateway.calls.filter(({ call }) => call === "POST /auth/login");

    expect(logins.map(({ headers }) => headers.get("X-Device-Token"))).toEqual([null, "device-new"]);
  });

  test("says that it was wrong, and starts no session", async () => {
    const browser = new Browser(
      new FakeGateway({ "POST /auth/login": problem(401, "invalid_credentials") }),
    );

    const outcome = await run(browser, login.action, sending("/app/login", form));

    expect(refusal(outcome)).toMatchObject({ status: 401, code: "invalid_credentials" });
    expect(browser.cookies.size).toBe(0);
  });
});

describe("sign up", () => {
  const form = { email: "a@example.com", password: "p", accept_terms: "on" };

  test("leads to the mail, and the confirmation in this browser logs in", async () => {
    const gateway = new FakeGateway({
      "POST /api/user-registration": { status: 202, body: {} },
      "POST /auth/verify-email": { body: {} },
      "POST /auth/login": { body: tokens("new") },
    });
    const browser = new Browser(gateway);
    const sent = (await run(browser, register.action, sending("/app/register", form))) as Response;
    const [cookie = ""] = (sent.headers.get("Set-Cookie") ?? "").split(";");
    const [name = "", value = ""] = cookie.split("=", 2);
    browser.cookies.set(name, value);
    const opened = sending("/app/confirm", { token: "t", password: "p" });

    expect(target(sent)).toBe("/register/sent");
    expect(target(await run(browser, confirm.action, opened))).toBe("/profile/create");
    expect(gateway.calls.at(-1)?.body).toEqual({ email: "a@example.com", password: "p" });
  });

  test("is confirmed in another browser without a log-in", async () => {
    const browser = new Browser(new FakeGateway({ "POST /auth/verify-email": { body: {} } }));
    const opened = sending("/app/confirm", { token: "t", password: "p" });

    expect(target(await run(browser, confirm.action, opened))).toBe("/login?confirmed=1");
  });

  test("shows errors at their fields", async () => {
    const errors = [{ pointer: "/password", code: "string_too_short", message: "short" }];
    const browser = new Browser(
      new FakeGateway({ "POST /api/user-registration": problem(422, "validation_failed", errors) }),
    );

    const outcome = await run(browser, register.action, sending("/app/register", form));

    expect(refusal(outcome).fields).toEqual(["password"]);
  });
});

describe("the account", () => {
  test.each([
    ["password", password.action, "POST /auth/password", { current: "a", new: "b" }, "current"],
    ["deletion", deletion.action, "DELETE /api/users/me", { password: "a" }, "password"],
  ])("a wrong password lands at its field: %s", async (_what, action, call, form, field) => {
    const gateway = new FakeGateway({ [call]: problem(403, "wrong_password") });
    const outcome = await run(await loggedIn(gateway), action, sending("/app/account", form as never));

    expect(refusal(outcome).fields).toEqual([field]);
  });

  test("its deletion ends the session", async () => {
    const gateway = new FakeGateway({ "DELETE /api/users/me": { status: 202, body: {} } });
    const browser = await loggedIn(gateway);

    const done = await run(browser, deletion.action, sending("/app/account", { password: "p" }));

    expect(target(done)).toBe("/account-deleted");
    expect((await browser.visitor()).session.user).toBeNull();
  });

  test("an emptied optional field of the profile is cleared", async () => {
    const gateway = new FakeGateway({
      "PATCH /api/profile": { body: {} },
      "GET /api/profile": { body: { language: "en", timezone: "UTC" } },
    });
    const form = { first_name: "A", last_name: "B", company: " ", language: "en", timezone: "UTC" };

    await run(await loggedIn(gateway), profile.action, sending("/app/profile", form));

    expect(gateway.calls[0]?.body).toMatchObject({ first_name: "A", company: null });
  });

  test("a forgotten password is asked for, and set with the token of the mail", async () => {
    const gateway = new FakeGateway({
      "POST /auth/password-reset": { status: 202, body: {} },
      "POST /auth/password-reset/confirm": { status: 204 },
    });
    const browser = new Browser(gateway);
    const asked = sending("/app/password-reset", { email: "a@example.com" });
    const set = sending("/app/password-reset", { token: "t", password: "new" });

    expect(target(await run(browser, reset.action, asked))).toBe("/password-reset?sent=1");
    expect(target(await run(browser, reset.action, set))).toBe("/login?reset=1");
  });
});

test("preferences hold each kind that was shown, with the channels that are ticked", async () => {
  const gateway = new FakeGateway({ "PUT /api/notifications/preferences": { body: {} } });
  const form = { kind: "welcome", "welcome.mail": "on", digest: "daily" };

  await run(await loggedIn(gateway), preferences.action, sending("/app/x", form));

  expect(gateway.calls[0]?.body).toEqual({
    kinds: { welcome: { live: false, mail: true } },
    digest: "daily",
  });
});

test("a ticket is given to whoever is logged in; others get 401", async () => {
  const gateway = new FakeGateway({ "POST /auth/ws-ticket": { status: 201, body: { ticket: "t" } } });
  const ask = sending("/app/live/ticket", {});
  const given = (await run(await loggedIn(gateway), ticket.action, ask)) as Response;
  const refused = (await run(new Browser(gateway), ticket.action, ask)) as Response;

  expect([given.status, refused.status]).toEqual([200, 401]);
});

describe("the library", () => {
  test("works without the tools that were used last", async () => {
    const gateway = new FakeGateway({
      "GET /api/tools": { body: { items: [], next: null } },
      "GET /api/tools/categories": { body: { items: ["Data"] } },
      "GET /api/tools/recent": problem(503, "unavailable"),
    });
    const page = (await run(await loggedIn(gateway), home.loader, reading("/app?search=x"))) as {
      tools: { state: string };
      recent: { state: string };
    };

    expect([page.tools.state, page.recent.state]).toEqual(["ready", "missing"]);
    expect(gateway.calls.map(({ call }) => call)).toContain("GET /api/tools?limit=24&search=x");
  });

  test("a launch counts once however often its request is repeated", async () => {
    const gateway = new FakeGateway({
      "POST /api/tools/t1/launch": { status: 201, body: { url: "https://tools.example.org/" } },
    });
    const asked = sending("/app/tools/t1/launch", { key: "key-1" });

    const launched = await run(await loggedIn(gateway), launch.action, asked, { toolId: "t1" });

    expect(launched).toEqual({ url: "https://tools.example.org/" });
    expect(gateway.calls[0]?.headers.get("Idempotency-Key")).toBe("key-1");
  });

  test("a favourite that can't be kept is the error of the page", async () => {
    const gateway = new FakeGateway({ "DELETE /api/tools/t1/favourite": problem(503, "unavailable") });
    const asked = sending("/app", { tool_id: "t1", favourite: "false" });

    const error = await thrown(run(await loggedIn(gateway), home.action, asked));

    expect((error as { init: { status: number } }).init.status).toBe(503);
  });
});
