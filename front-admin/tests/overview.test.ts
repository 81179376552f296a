/** The picture of the stack: what is asked, what follows from it, and where it is drawn. */
import { describe, expect, test, vi } from "vitest";

import { layoutOf, pathOf } from "../app/overview/layout.ts";
import { observe } from "../app/overview/observe.server.ts";
import { stackOf } from "../app/overview/stack.ts";
import type { Observed, Stack } from "../app/overview/stack.ts";
import { settings } from "./asking.ts";

const LINKS = [
  { from: "front-admin", to: "back-gateway" },
  { from: "back-gateway", to: "back-api" },
  { from: "back-gateway", to: "back-websockets" },
  { from: "back-api", to: "back-redis" },
  { from: "back-reports", to: "back-redis" },
];
const CALLER = { address: "192.0.2.1", correlationId: "c", userAgent: null };

function health(state: "ok" | "down"): NonNullable<Observed["health"]> {
  return {
    status: state === "ok" ? "ok" : "degraded",
    service: "back-api",
    version: "1.2.3",
    uptime_seconds: 5,
    dependencies: [{ name: "back-redis", state, latency_ms: 4, detail: state === "ok" ? null : "out" }],
    contracts: {},
    contracts_digest: "",
    backlog: null,
  };
}

function states(stack: Stack): Record<string, string> {
  return Object.fromEntries(stack.services.map(({ name, state }) => [name, state]));
}

const ANSWERED = { answers: true, ms: 3 };
const SILENT = { answers: false, ms: 9 };

describe("states", () => {
  test("everything works", () => {
    const probes = { "back-api": ANSWERED, "back-websockets": ANSWERED };
    const stack = stackOf({ health: health("ok"), gatewayAnswers: true, probes }, LINKS);
    expect(stack.status).toBe("ok");
    expect(states(stack)).toEqual({
      "front-admin": "ok",
      "back-gateway": "ok",
      "back-api": "ok",
      "back-websockets": "ok",
      "back-redis": "ok",
      "back-reports": "unknown",
    });
  });

  test("a dependency that is down degrades the stack and has no latency", () => {
    const probes = { "back-api": ANSWERED, "back-websockets": ANSWERED };
    const stack = stackOf({ health: health("down"), gatewayAnswers: true, probes }, LINKS);
    expect(stack.status).toBe("degraded");
    expect(stack.services.find(({ name }) => name === "back-redis")).toEqual({
      name: "back-redis",
      state: "down",
      latencyMs: null,
      detail: "out",
    });
    expect(states(stack)["back-api"]).toBe("degraded");
  });

  test("a service that back-api does not use degrades the stack too", () => {
    const probes = { "back-api": ANSWERED, "back-websockets": SILENT };
    const stack = stackOf({ health: health("ok"), gatewayAnswers: true, probes }, LINKS);
    expect(stack.status).toBe("degraded");
    expect(states(stack)["back-websockets"]).toBe("down");
  });

  test("without the gateway nothing behind it is known", () => {
    const probes = { "back-api": SILENT, "back-websockets": SILENT };
    const stack = stackOf({ health: null, gatewayAnswers: false, probes }, LINKS);
    expect(stack.status).toBe("down");
    expect(states(stack)).toMatchObject({
      "back-gateway": "down",
      "back-api": "unknown",
      "back-redis": "unknown",
    });
  });
});

describe("what is asked", () => {
  const gateway = { "X-Correlation-ID": "c" };

  test("answers of services and of the gateway are told apart", async () => {
    const observed = await observe(settings, CALLER, (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/health") return Promise.resolve(Response.json(health("ok"), { headers: gateway }));
      return Promise.resolve(
        Response.json({}, { status: pathname.startsWith("/ws") ? 404 : 502, headers: gateway }),
      );
    });
    expect(observed.gatewayAnswers).toBe(true);
    expect(observed.health?.version).toBe("1.2.3");
    expect(observed.probes["back-websockets"]?.answers).toBe(true);
    expect(observed.probes["front-public"]?.answers).toBe(false);
  });

  test("a service that is silent for 3 s is down, and the gateway before it is not", async () => {
    vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
      expect(ms).toBe(3000);
      return AbortSignal.abort(new DOMException("late", "TimeoutError"));
    });
    const observed = await observe(settings, CALLER, (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/health") return Promise.reject(request.signal.reason as Error);
      return Promise.resolve(Response.json({}, { status: 404, headers: gateway }));
    });
    expect(observed).toMatchObject({ gatewayAnswers: true, health: null });
    expect(observed.probes["back-api"]?.answers).toBe(false);
  });

  test("a gateway that can't be reached is no error of the page", async () => {
    const observed = await observe(settings, CALLER, () => Promise.reject(new TypeError("refused")));
    expect(observed).toMatchObject({ gatewayAnswers: false, health: null });
    expect(observed.probes["back-api"]?.answers).toBe(false);
  });
});

describe("the drawing", () => {
  test("a service that it has not heard of has a place of its own", () => {
    const { places } = layoutOf(["back-api", "back-reports", "back-redis"]);
    expect(places.get("back-reports")?.y).toBe(places.get("back-api")?.y);
    expect(places.get("back-reports")?.x).not.toBe(places.get("back-api")?.x);
  });

  test("every link between places has a line", () => {
    const layout = layoutOf([...new Set(LINKS.flatMap(({ from, to }) => [from, to]))]);
    expect(LINKS.map((link) => pathOf(link, layout))).not.toContain(null);
    expect(pathOf({ from: "back-api", to: "nobody" }, layout)).toBeNull();
  });
});
