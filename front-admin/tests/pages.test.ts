/** What loaders and actions ask of the API, and what they make of its answers. */
import { describe, expect, test } from "vitest";

import * as audit from "../app/features/audit/routes/audit.tsx";
import * as tasks from "../app/features/background-tasks/routes/tasks.tsx";
import * as login from "../app/features/email-auth/routes/login.tsx";
import * as event from "../app/features/event-administration/routes/event.tsx";
import * as events from "../app/features/event-administration/routes/events.tsx";
import * as notify from "../app/features/notifications/routes/notify.tsx";
import * as newTool from "../app/features/tool-catalogue/routes/new-tool.tsx";
import * as tool from "../app/features/tool-catalogue/routes/tool.tsx";
import * as tools from "../app/features/tool-catalogue/routes/tools.tsx";
import * as user from "../app/features/user-administration/routes/user.tsx";
import * as users from "../app/features/user-administration/routes/users.tsx";
import * as download from "../app/features/user-export/routes/download.ts";
import * as exports from "../app/features/user-export/routes/exports.tsx";
import { adminRequired } from "../app/layouts/admin-required.server.ts";
import { withProgress } from "../app/ui/tasks.tsx";
import { asking, problem, reading, refusal, sending, target } from "./asking.ts";
import type { Answers } from "./asking.ts";

type Args = { request: Request; params: object; context: unknown };
type Run = (args: never) => unknown;

function run(what: Run, args: Args): Promise<unknown> {
  return Promise.resolve((what as (args: Args) => unknown)(args));
}

const guard = (args: never): unknown => adminRequired(args, () => Promise.resolve(new Response()));

async function act(action: Run, fields: [string, string][], answers: Answers, params: object = {}) {
  const visit = asking(answers);
  const outcome = await run(action, { request: sending(fields), params, context: visit.context });
  return { outcome, sent: visit.sent };
}

async function load(loader: Run, path: string, answers: Answers, params: object = {}) {
  const visit = asking(answers);
  const data = await run(loader, { request: reading(path), params, context: visit.context });
  return { data, sent: visit.sent };
}

const PAGE = { body: { items: [], next: null } };

describe("log-in", () => {
  const fields: [string, string][] = [
    ["email", "a@example.org"],
    ["password", "secret"],
    ["next", "/users"],
  ];

  test("a log-in keeps the tokens and goes where it was asked to", async () => {
    const visit = asking({ "POST /auth/login": { body: { access_token: "t" } } }, null);
    const args = { request: sending(fields), params: {}, context: visit.context };
    expect(target(await run(login.action, args))).toBe("/users");
    expect(visit.started).toEqual([{ access_token: "t" }]);
    expect(visit.sent[0]?.body).toEqual({ email: "a@example.org", password: "secret" });
  });

  test("a refused log-in keeps nothing and says why", async () => {
    const visit = asking({ "POST /auth/login": problem(401, "invalid_credentials") }, null);
    const args = { request: sending(fields), params: {}, context: visit.context };
    const outcome = await run(login.action, args);
    expect(refusal(outcome)).toEqual({ status: 401, code: "invalid_credentials", fields: [] });
    expect(visit.started).toEqual([]);
  });

  test("it leads to no other site", async () => {
    const visit = asking({ "POST /auth/login": { body: {} } }, null);
    const request = sending([...fields.slice(0, 2), ["next", "//elsewhere.example"]]);
    expect(target(await run(login.action, { request, params: {}, context: visit.context }))).toBe("/");
  });
});

describe("who is no admin", () => {
  test("is logged out in the API and in the browser, and told so", async () => {
    const visit = asking({ "POST /auth/logout": { status: 204 } }, "user");
    const args = { request: reading("/"), params: {}, context: visit.context };
    await expect(run(guard, args)).rejects.toSatisfy(
      (it) => target(it) === "/admin/login?refused=1",
    );
    expect(visit.sent.map(({ call }) => call)).toEqual(["POST /auth/logout"]);
    expect(visit.ended()).toBe(true);
  });

  test("an admin passes", async () => {
    const visit = asking({});
    await run(guard, { request: reading("/"), params: {}, context: visit.context });
    expect(visit.sent).toEqual([]);
  });
});

describe("lists", () => {
  test.each([
    [users.loader, "/?search=ada&role=admin&status=suspended&before=p", "search=ada&role=admin&status=suspended&before=p", "/api/admin/users"],
    [users.loader, "/?search=&role=owner&status=", "", "/api/admin/users"],
    [tools.loader, "/?search=wiki&category=Ops", "search=wiki&category=Ops", "/api/admin/tools"],
    [events.loader, "/?state=dead&consumer=mail&type=task.queued", "state=dead&consumer=mail&type=task.queued", "/api/admin/events"],
    [events.loader, "/?state=lost&consumer=nobody", "", "/api/admin/events"],
    [audit.loader, "/?user_id=%20u1%20", "user_id=u1", "/api/admin/audit"],
    [tasks.loader, "/?before=p", "before=p", "/api/tasks"],
  ] as [Run, string, string, string][])("ask for what the address says (%#)", async (loader, path, query, api) => {
    const { sent } = await load(loader, path, { [`GET ${api}`]: PAGE });
    expect(sent.map(({ call }) => call)).toEqual([`GET ${api}${query && `?${query}`}`]);
  });

  test("a failure of the API becomes the error page with its status", async () => {
    const failing = load(users.loader, "/", { "GET /api/admin/users": problem(503, "unavailable") });
    await expect(failing).rejects.toMatchObject({ init: { status: 503 }, data: { code: "unavailable" } });
  });
});

describe("a user", () => {
  const params = { userId: "u1" };
  const path = "PATCH /api/admin/users/u1";

  test.each([
    ["role", "admin"],
    ["status", "suspended"],
  ])("one change sends %s alone", async (name, value) => {
    const { outcome, sent } = await act(user.action, [[name, value]], { [path]: { body: {} } }, params);
    expect(sent[0]?.body).toEqual({ [name]: value });
    expect(target(outcome)).toBe("/users/u1?changed=1");
  });

  test("what the API refuses is shown", async () => {
    const answers = { [path]: problem(409, "last_admin") };
    const { outcome } = await act(user.action, [["role", "user"]], answers, params);
    expect(refusal(outcome)).toEqual({ status: 409, code: "last_admin", fields: [] });
  });

  test("one's own account is marked", async () => {
    const answers = { "GET /api/admin/users/admin-1": { body: { id: "admin-1" } } };
    const { data } = await load(user.loader, "/", answers, { userId: "admin-1" });
    expect(data).toMatchObject({ own: true });
  });

  test("a notification carries the key of its form", async () => {
    const fields: [string, string][] = [
      ["key", "k1"],
      ["title", "Hi"],
      ["body", "There"],
    ];
    const answers = { "POST /api/admin/users/u1/notify": { status: 202, body: { event_id: "e" } } };
    const { outcome, sent } = await act(notify.action, fields, answers, params);
    expect(sent[0]).toMatchObject({ key: "k1", body: { title: "Hi", body: "There" } });
    expect(target(outcome)).toBe("/users/u1/notify?sent=1");
  });

  test("an error of a notification lands at its field", async () => {
    const errors = [{ pointer: "/title", code: "string_too_short", message: "too short" }];
    const answers = { "POST /api/admin/users/u1/notify": problem(422, "validation_failed", errors) };
    const { outcome } = await act(notify.action, [["key", "k1"]], answers, params);
    expect(refusal(outcome)).toEqual({ status: 422, code: "validation_failed", fields: ["title"] });
  });
});

describe("tasks and exports", () => {
  test("a task is cancelled", async () => {
    const answers = { "DELETE /api/tasks/t1": { status: 202, body: {} } };
    const { outcome, sent } = await act(tasks.action, [["task_id", "t1"]], answers);
    expect(sent).toHaveLength(1);
    expect(target(outcome)).toBe("/tasks");
  });

  test("only exports are listed, with their rows", async () => {
    const items = [
      { id: "1", kind: "user_export", result: { rows: 7 } },
      { id: "3", kind: "user_export", result: null },
    ];
    const answers = { "GET /api/tasks": { body: { items, next: null } } };
    const { data, sent } = await load(exports.loader, "/?before=p", answers);
    expect(sent[0]?.call).toBe("GET /api/tasks?kind=user_export&before=p");
    expect(data).toMatchObject({ exports: [{ id: "1", rows: 7 }, { id: "3", rows: null }] });
  });

  test("an export starts once for a form", async () => {
    const answers = { "POST /api/admin/exports/users": { status: 202, body: {} } };
    const { outcome, sent } = await act(exports.action, [["key", "k2"]], answers);
    expect(sent[0]?.key).toBe("k2");
    expect(target(outcome)).toBe("/exports");
  });

  test("a download goes to a fresh link", async () => {
    const link = { url: "/api/exports/download/once", expires_in: 60 };
    const answers = { "POST /api/exports/t1/link": { status: 201, body: link } };
    const { outcome } = await act(exports.action, [["task_id", "t1"]], answers);
    expect(target(outcome)).toBe("/exports/download?token=once");
  });

  test("a link gives the file of the API under its name", async () => {
    const file = { body: "a,b", headers: { "Content-Disposition": 'attachment; filename="u.csv"' } };
    const answers = { "GET /api/exports/download/once": file };
    const { data } = await load(download.loader, "/?token=once", answers);
    const response = data as Response;
    expect(response.headers.get("Content-Disposition")).toBe('attachment; filename="u.csv"');
    expect(await response.text()).toContain("a,b");
  });

  test("a download that broke off goes on", async () => {
    const part = { "Content-Range": "bytes 5-9/10", ETag: '"t"' };
    const answers = { "GET /api/exports/download/once": { status: 206, body: "rest!", headers: part } };
    const visit = asking(answers);
    const request = reading("/?token=once");
    request.headers.set("Range", "bytes=5-");
    request.headers.set("If-Range", '"t"');
    const args = { request, params: {}, context: visit.context };
    const response = (await run(download.loader, args)) as Response;
    expect([response.status, response.headers.get("Content-Range")]).toEqual([206, "bytes 5-9/10"]);
    const asked = visit.requests[0]?.headers;
    expect([asked?.get("Range"), asked?.get("If-Range")]).toEqual(["bytes=5-", '"t"']);
  });

  test.each([
    [410, "link_expired", "link"],
    [404, "link_not_found", "link"],
    [422, "validation_failed", "link"],
    [503, "unavailable", "out"],
  ])("a link that is answered %d leads to the exports, which say why", async (status, code, why) => {
    const answers = { "GET /api/exports/download/used": problem(status, code) };
    const { data } = await load(download.loader, "/?token=used", answers);
    expect(target(data)).toBe(`/exports?refused=${why}`);
  });

  test("a file that is gone is said", async () => {
    const answers = { "POST /api/exports/t1/link": problem(410, "export_expired") };
    const { outcome } = await act(exports.action, [["task_id", "t1"]], answers);
    expect(refusal(outcome)).toMatchObject({ status: 410, code: "export_expired" });
  });
});

describe("dead letters", () => {
  test("one is sent again", async () => {
    const answers = { "POST /api/admin/events/d1/replay": { status: 202, body: { replayed: 1 } } };
    const { outcome, sent } = await act(event.action, [["key", "k3"]], answers, { deliveryId: "d1" });
    expect(sent[0]?.key).toBe("k3");
    expect(target(outcome)).toBe("/events/d1?replayed=1");
  });

  test("those of a filter are sent again", async () => {
    const answers = { "POST /api/admin/events/replay": { status: 202, body: { replayed: 12 } } };
    const fields: [string, string][] = [
      ["key", "k4"],
      ["consumer", "mail"],
      ["type", ""],
    ];
    const { outcome, sent } = await act(events.action, fields, answers);
    expect(sent[0]?.body).toEqual({ consumer: "mail", event_type: null, limit: 100 });
    expect(target(outcome)).toBe("/events?state=dead&replayed=12");
  });
});

describe("tools", () => {
  const fields: [string, string][] = [
    ["name", " Wiki "],
    ["summary", "Pages"],
    ["category", "Ops"],
    ["icon", "book"],
    ["url", "https://wiki.example.org"],
    ["access", "only"],
    ["roles", "admin"],
    ["user_ids", "u1\nu2, u3"],
  ];
  const body = {
    name: "Wiki",
    summary: "Pages",
    category: "Ops",
    icon: "book",
    url: "https://wiki.example.org",
    access: "only",
    roles: ["admin"],
    user_ids: ["u1", "u2", "u3"],
  };

  test("a new one is sent as the API takes it", async () => {
    const answers = { "POST /api/admin/tools": { status: 201, body: { id: "t9" } } };
    const { outcome, sent } = await act(newTool.action, [["key", "k5"], ...fields], answers);
    expect(sent[0]).toMatchObject({ key: "k5", body });
    expect(target(outcome)).toBe("/tools/t9?created=1");
  });

  test("a refused one is sent again with another key, one that may be stored with the same", async () => {
    const key = async (status: number, code: string) => {
      const answers = { "POST /api/admin/tools": problem(status, code) };
      const { outcome } = await act(newTool.action, [["key", "k5"], ...fields], answers);
      return (outcome as { data: { key: string } }).data.key;
    };

    expect(await key(409, "tool_name_taken")).toMatch(/^[0-9a-f-]{36}$/);
    expect(await key(503, "unavailable")).toBe("k5");
  });

  test("a change carries the version that it was made from", async () => {
    const answers = { "PATCH /api/admin/tools/t9": { body: {} } };
    const { outcome, sent } = await act(tool.action, [["version", "4"], ...fields], answers, { toolId: "t9" });
    expect(sent[0]?.body).toEqual({ ...body, expected_version: 4 });
    expect(target(outcome)).toBe("/tools/t9?saved=1");
  });

  test("a stale change is refused", async () => {
    const answers = { "PATCH /api/admin/tools/t9": problem(409, "stale_version") };
    const { outcome } = await act(tool.action, [["version", "3"], ...fields], answers, { toolId: "t9" });
    expect(refusal(outcome)).toMatchObject({ status: 409, code: "stale_version" });
  });

  test("one is removed", async () => {
    const answers = { "DELETE /api/admin/tools/t9": { status: 204 } };
    const { outcome } = await act(tool.action, [["intent", "remove"]], answers, { toolId: "t9" });
    expect(target(outcome)).toBe("/tools?removed=1");
  });
});

describe("progress that arrives", () => {
  const task = { id: "t1", status: "queued", progress: 10 } as const;

  test("shows at once", () => {
    expect(withProgress(task, 40)).toEqual({ id: "t1", status: "running", progress: 40 });
  });

  test.each([
    [task, undefined],
    [task, 5],
    [{ ...task, status: "succeeded", progress: 100 } as const, 40],
    [{ ...task, status: "cancelled" } as const, 40],
  ])("changes nothing that is newer: %o, %s", (known, progress) => {
    expect(withProgress(known, progress)).toBe(known);
  });
});
