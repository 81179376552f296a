/** Sessions: cookies, refresh, parallel requests, and the end. */
import { describe, expect, test } from "vitest";

import { loginRequired, visitorOf } from "../server/front.ts";
import { required } from "../server/problem.ts";
import {
  Browser,
  FakeGateway,
  problem,
  reading,
  target,
  thrown,
  tokens,
} from "../testing/gateway.ts";
import type { Answer } from "../testing/gateway.ts";

const ME = "GET /api/users/me";
const REFRESH = "POST /auth/refresh";

async function loggedIn(gateway: FakeGateway, seconds = 900): Promise<Browser> {
  const browser = new Browser(gateway);
  await browser.run(reading("/app"), ({ context }) => {
    visitorOf(context).session.start(tokens("first", seconds) as never);
  });
  return browser;
}

function me(browser: Browser): Promise<unknown> {
  return browser.run(reading("/app/account"), async ({ context }) =>
    required(await visitorOf(context).session.api.GET("/api/users/me")),
  );
}

describe("a session", () => {
  test("is sent to the API as a bearer token, and is not refreshed before its time", async () => {
    const gateway = new FakeGateway({ [ME]: { body: { id: "user-1" } } });
    const browser = await loggedIn(gateway);

    expect(await me(browser)).toEqual({ id: "user-1" });
    expect(gateway.calls[0]?.headers.get("Authorization")).toMatch(/^Bearer h\./);
    expect(gateway.count(REFRESH)).toBe(0);
  });

  test("is refreshed when its token is about to end, and the browser gets the new pair", async () => {
    const gateway = new FakeGateway({ [ME]: { body: {} }, [REFRESH]: { body: tokens("second") } });
    const browser = await loggedIn(gateway, 30);
    const before = browser.cookies.get("public_refresh");

    await me(browser);
    await me(browser);

    expect(gateway.count(REFRESH)).toBe(1);
    expect(browser.cookies.get("public_refresh")).not.toBe(before);
  });

  test("is refreshed once for requests that run side by side", async () => {
    const gateway = new FakeGateway({ [ME]: { body: {} }, [REFRESH]: { body: tokens("second") } });
    const browser = await loggedIn(gateway, 30);

    await Promise.all([me(browser), me(browser), me(browser)]);

    expect(gateway.count(REFRESH)).toBe(1);
    expect(gateway.count(ME)).toBe(3);
  });

  test("is refreshed when the API refuses a token that a password change cut off", async () => {
    const first = tokens("first").access_token;
    const gateway: FakeGateway = new FakeGateway({
      [ME]: ({ headers }): Answer =>
        headers.get("Authorization")?.includes(first.slice(0, 40)) && gateway.count(ME) === 1
          ? problem(401, "unauthenticated")
          : { body: { id: "user-1" } },
      [REFRESH]: { body: tokens("second") },
    });

    expect(await me(await loggedIn(gateway))).toEqual({ id: "user-1" });
    expect(gateway.count(REFRESH)).toBe(1);
  });

  test("ends when its refresh token is refused: log in, and come back to the page", async () => {
    const gateway: FakeGateway = new FakeGateway({
      [ME]: problem(401, "unauthenticated"),
      [REFRESH]: problem(401, "refresh_token_invalid"),
    });
    const browser = await loggedIn(gateway);

    const error = await thrown(me(browser));

    expect(target(error)).toBe("/login?next=%2Fapp%2Faccount");
    expect([...browser.cookies.keys()]).toEqual(["public_device"]);
  });

  test("stays while back-auth is out; pages that need it answer 503", async () => {
    const gateway = new FakeGateway({ [REFRESH]: problem(503, "unavailable") });
    const browser = await loggedIn(gateway, -10);

    const error = await thrown(
      browser.run(reading("/app"), async (args) => {
        await loginRequired(args as never, async () => new Response());
      }),
    );

    expect((error as { init: { status: number } }).init.status).toBe(503);
    expect(browser.cookies.has("public_refresh")).toBe(true);
  });

  test("is not ended by a wrong password", async () => {
    const gateway = new FakeGateway({ "POST /auth/verify-email": problem(401, "invalid_credentials") });
    const browser = await loggedIn(gateway);

    const status = await browser.run(reading("/app"), async ({ context }) => {
      const body = { token: "t", password: "p" };
      const { api } = visitorOf(context).session;
      return (await api.POST("/auth/verify-email", { body })).response.status;
    });

    expect(status).toBe(401);
    expect(gateway.count(REFRESH)).toBe(0);
  });

  test("is required: nobody is sent to the log-in below the base path", async () => {
    const browser = new Browser(new FakeGateway({}));

    const error = await thrown(
      browser.run(reading("/app/profile?x=1"), async (args) => {
        await loginRequired(args as never, async () => new Response());
      }),
    );

    expect(target(error)).toBe("/app/login?next=%2Fapp%2Fprofile%3Fx%3D1");
  });

  test("has __Host- cookies in production", async () => {
    const browser = new Browser(new FakeGateway({}), "production");
    await browser.run(reading("/app"), ({ context }) => {
      visitorOf(context).session.start(tokens("first") as never);
    });

    expect([...browser.cookies.keys()]).toEqual([
      "__Host-public_access",
      "__Host-public_refresh",
      "__Host-public_device",
    ]);
  });
});

test("a gateway that can't be reached answers 503 like any service", async () => {
  const browser = await loggedIn(new FakeGateway({}));

  const error = (await thrown(me(browser))) as { data: { code: string }; init: { status: number } };

  expect(error.init.status).toBe(503);
  expect(error.data.code).toBe("unavailable");
});
