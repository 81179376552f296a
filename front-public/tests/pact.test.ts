/** What the loaders and actions send to back-api and read of it, as a pact. */
import { Exactly, FrontPact, refusal } from "@tools-dashboard/front-kit/testing/pact.ts";
import {
  reading,
  refusal as refused,
  run,
  sending,
  target,
} from "@tools-dashboard/front-kit/testing/gateway.ts";
import { describe, expect, test, vi } from "vitest";

import * as home from "../app/home.tsx";
import * as account from "../app/features/account/routes/overview.tsx";
import * as deletion from "../app/features/account-deletion/routes/delete.tsx";
import * as notifications from "../app/features/notifications/routes/list.tsx";
import * as preferences from "../app/features/notifications/routes/preferences.tsx";
import * as create from "../app/features/profile/routes/create.tsx";
import * as edit from "../app/features/profile/routes/edit.tsx";
import * as launch from "../app/features/tool-launches/routes/launch.tsx";
import * as register from "../app/features/user-registration/routes/register.tsx";
import * as members from "../app/layouts/members.tsx";

const ID = "a0000000-0000-4000-8000-000000000001";
const NOON = "2026-01-01T12:00:00Z";
const PROFILE = {
  first_name: "Ada",
  last_name: "Lovelace",
  display_name: "Ada L.",
  company: "Analytical",
  job_title: "Engineer",
  language: "en",
  timezone: "UTC",
};
const READ_PROFILE = { ...PROFILE, completion: 100, updated_at: NOON };
const TOOL = { name: "Board", summary: "Cards", category: "Work", icon: "book", favourite: false };
const NOTIFICATION = { id: ID, kind: "welcome", title: "Welcome", body: "Here", created_at: NOON };

const pact = new FrontPact("front-public", "back-api");

vi.setConfig({ testTimeout: 60_000 }); // the first test loads Pact's core

describe("the profile", () => {
  test("is created once a key", async () => {
    const done = await pact.exchange(
      [
        {
          description: "a profile to create",
          given: "a user without a profile",
          asks: "POST /api/profile",
          repeatable: true,
          sends: PROFILE,
          status: 201,
        },
        {
          description: "language and time zone of the new profile",
          given: "a user with a profile",
          asks: "GET /api/profile",
          status: 200,
          body: { language: "en", timezone: "UTC" },
        },
      ],
      (browser) => run(browser, create.action, sending("/app/profile/create", { ...PROFILE, key: "1" })),
    );
    expect(target(done)).toBe("/");
  });

  test("is read", async () => {
    const page = await pact.exchange(
      [
        {
          description: "a profile",
          given: "a user with a profile",
          asks: "GET /api/profile",
          status: 200,
          body: READ_PROFILE,
        },
      ],
      (browser) => run(browser, edit.loader, reading("/app/profile")),
    );
    expect((page as { profile: unknown }).profile).toEqual(READ_PROFILE);
  });

  test("that was never written leads to its page", async () => {
    const error = await pact.exchange(
      [
        {
          description: "a profile that was never written",
          given: "a user without a profile",
          asks: "GET /api/profile",
          ...refusal(404, "profile_not_found"),
        },
      ],
      (browser) => run(browser, edit.loader, reading("/app/profile")).catch((it: unknown) => it),
    );
    expect(target(error)).toBe("/profile/create");
  });

  test("is refused with its errors at their fields", async () => {
    const outcome = await pact.exchange(
      [
        {
          description: "a profile without a name",
          given: "a user with a profile",
          asks: "PATCH /api/profile",
          sends: { ...PROFILE, first_name: new Exactly("") },
          ...refusal(422, "validation_failed", {
            errors: [{ pointer: "/first_name", code: "string_too_short", message: "too short" }],
          }),
        },
      ],
      (browser) => run(browser, edit.action, sending("/app/profile", { ...PROFILE, first_name: "" })),
    );
    expect(refused(outcome).fields).toEqual(["first_name"]);
  });
});

describe("the library", () => {
  test("has tools, categories and the tools that were used last", async () => {
    const page = await pact.exchange(
      [
        {
          description: "the tools that a user may open",
          given: "a user with a tool that was launched",
          asks: "GET /api/tools?limit=24&search=board",
          status: 200,
          body: { items: [{ id: ID, ...TOOL }], next: null },
        },
        {
          description: "the categories of tools",
          given: "a user with a tool that was launched",
          asks: "GET /api/tools/categories",
          status: 200,
          body: { items: ["Work"] },
        },
        {
          description: "the tools that were used last",
          given: "a user with a tool that was launched",
          asks: "GET /api/tools/recent?limit=4",
          status: 200,
          body: { items: [{ id: ID, name: "Board", icon: "book" }] },
        },
      ],
      (browser) => run(browser, home.loader, reading("/app?search=board")),
    );
    expect(page).toMatchObject({ tools: { state: "ready" }, recent: { state: "ready" } });
  });

  test.each([
    ["a favourite to keep", "PUT", "true"],
    ["a favourite to take back", "DELETE", "false"],
  ])("%s", async (description, method, favourite) => {
    const asks = `${method} /api/tools/${ID}/favourite`;
    const done = await pact.exchange(
      [{ description, given: "a user with a tool that was launched", asks, status: 204 }],
      (browser) => run(browser, home.action, sending("/app", { tool_id: ID, favourite })),
    );
    expect(done).toBeNull();
  });

  test("a launch gives the address of the tool", async () => {
    const launched = await pact.exchange(
      [
        {
          description: "a launch of a tool",
          given: "a user with a tool that was launched",
          asks: `POST /api/tools/${ID}/launch`,
          repeatable: true,
          status: 201,
          body: { url: "https://board.example.org/" },
        },
      ],
      (browser) =>
        run(browser, launch.action, sending("/app/tools/x/launch", { key: "1" }), { toolId: ID }),
    );
    expect(launched).toEqual({ url: "https://board.example.org/" });
  });
});

describe("notifications", () => {
  test("are listed, newest first", async () => {
    const page = await pact.exchange(
      [
        {
          description: "unread notifications",
          given: "a user with a notification",
          asks: "GET /api/notifications?limit=20&unread=true",
          status: 200,
          body: { items: [{ ...NOTIFICATION, read_at: null }], next: null },
        },
      ],
      (browser) => run(browser, notifications.loader, reading("/app/notifications?unread=1")),
    );
    expect(page).toMatchObject({ notifications: { state: "ready" } });
  });

  test("are counted for the bell", async () => {
    const page = await pact.exchange(
      [
        {
          description: "the count of unread notifications",
          given: "a user with a notification",
          asks: "GET /api/notifications/unread-count",
          status: 200,
          body: { unread: 1 },
        },
      ],
      (browser) => run(browser, members.loader, reading("/app")),
    );
    expect(page).toMatchObject({ unread: 1 });
  });

  test.each([
    ["a notification that was read", `/api/notifications/${ID}/read`, { id: ID }],
    ["all notifications that were read", "/api/notifications/read-all", {}],
  ])("%s", async (description, path, form) => {
    const done = await pact.exchange(
      [{ description, given: "a user with a notification", asks: `POST ${path}`, status: 204 }],
      (browser) => run(browser, notifications.action, sending("/app/notifications", form as never)),
    );
    expect(done).toBeNull();
  });

  test("preferences are read", async () => {
    const channels = { live: true, mail: true };
    const page = await pact.exchange(
      [
        {
          description: "preferences",
          given: "a user with a notification",
          asks: "GET /api/notifications/preferences",
          status: 200,
          body: { kinds: { welcome: channels }, digest: "off" },
        },
      ],
      (browser) => run(browser, preferences.loader, reading("/app/notifications/preferences")),
    );
    expect(page).toMatchObject({ preferences: { kinds: { welcome: channels } } });
  });

  test("preferences are written", async () => {
    const form = { kind: "welcome", "welcome.mail": "on", digest: "daily" };
    const kinds = { welcome: { live: new Exactly(false), mail: new Exactly(true) } };
    const done = await pact.exchange(
      [
        {
          description: "preferences to write",
          given: "a user with a notification",
          asks: "PUT /api/notifications/preferences",
          sends: { kinds, digest: new Exactly("daily") },
          status: 200,
        },
      ],
      (browser) => run(browser, preferences.action, sending("/app/notifications/preferences", form)),
    );
    expect(target(done)).toBe("/notifications/preferences?saved=1");
  });
});

describe("the account", () => {
  test("is read", async () => {
    const me = { email: "ada@example.org", role: "user", created_at: NOON };
    const page = await pact.exchange(
      [
        {
          description: "the user who asks",
          given: "a user without a profile",
          asks: "GET /api/users/me",
          status: 200,
          body: me,
        },
      ],
      (browser) => run(browser, account.loader, reading("/app/account")),
    );
    expect(page).toEqual(me);
  });

  test("is registered by somebody who has none", async () => {
    const done = await pact.exchange(
      [
        {
          description: "somebody to register",
          visitor: true,
          asks: "POST /api/user-registration",
          sends: { email: "ada@example.org", password: "correct horse", accept_terms: true },
          status: 202,
        },
      ],
      (browser) =>
        run(
          browser,
          register.action,
          sending("/app/register", {
            email: "ada@example.org",
            password: "correct horse",
            accept_terms: "on",
          }),
        ),
    );
    expect(target(done)).toBe("/register/sent");
  });

  test.each([
    ["an account to remove", "correct horse", { status: 202 }, "/account-deleted"],
    ["an account to remove with a wrong password", "wrong", refusal(403, "wrong_password"), null],
  ])("%s", async (description, password, answer, leads) => {
    const done = await pact.exchange(
      [
        {
          description,
          given: "a user with a password",
          asks: "DELETE /api/users/me",
          sends: { password: new Exactly(password) },
          ...answer,
        },
      ],
      (browser) => run(browser, deletion.action, sending("/app/account/delete", { password })),
    );
    expect(target(done)).toBe(leads);
    if (!leads) expect(refused(done).fields).toEqual(["password"]);
  });
});

test("the committed pact has no further interaction", () => {
  pact.finish();
});
