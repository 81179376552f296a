/** The process of a front: health, logs and assets. */
import { mkdtempSync, mkdirSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IncomingMessage, Server } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { setClientAddress } from "../server/client-address.ts";
import { createLog } from "../server/log.ts";
import { frontApp } from "../server/serve.ts";

const state = { draining: false };
let lines: string[] = [];
let server: Server;
let address = "";

beforeEach(async () => {
  const folder = mkdtempSync(join(tmpdir(), "front-"));
  mkdirSync(join(folder, "build/client/assets"), { recursive: true });
  writeFileSync(join(folder, "build/client/assets/a-1.js"), "1".repeat(5000));
  lines = [];
  state.draining = false;
  const front = { name: "front-trial", version: "1.2.3", basePath: "/app", port: 0, folder };
  const log = createLog(front.name, "info", (line) => lines.push(line));
  server = frontApp(front, {} as never, log, state, []).listen(0, "127.0.0.1");
  await once(server, "listening");
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => void server.close());

test("it lives, and is not ready once it ends", async () => {
  expect((await fetch(`${address}/health/ready`)).status).toBe(200);
  state.draining = true;

  expect((await fetch(`${address}/health/ready`)).status).toBe(503);
  const live = await fetch(`${address}/health/live`);
  expect(await live.json()).toEqual({ status: "ok", service: "front-trial", version: "1.2.3" });
});

test("assets are compressed and kept for good; one that is gone is 404", async () => {
  const asset = await fetch(`${address}/app/assets/a-1.js`);

  expect(asset.headers.get("Cache-Control")).toBe("public, max-age=31536000, immutable");
  expect(asset.headers.get("Content-Encoding")).toBeTruthy();
  expect((await fetch(`${address}/app/assets/gone.js`)).status).toBe(404);
});

test("a request is one line with its correlation id and no query", async () => {
  const headers = { "X-Correlation-ID": "abcdefgh-1" };
  const answer = await fetch(`${address}/app/missing-asset.css?token=secret`, { headers });
  await answer.text();
  const request = lines.map((line) => JSON.parse(line) as Record<string, unknown>).at(-1);

  expect(answer.headers.get("X-Correlation-ID")).toBe("abcdefgh-1");
  expect(request).toMatchObject({ event: "request", correlation_id: "abcdefgh-1" });
  expect(lines.join()).not.toContain("secret");
});

describe("the address of the browser", () => {
  const [key, next] = ["k".repeat(32), "n".repeat(32)];
  const sent = {
    "x-real-ip": "192.0.2.7",
    "x-forwarded-for": "192.0.2.7",
    "x-forwarded-host": "tools.example",
    "x-forwarded-proto": "https",
  };

  function received(headers: Record<string, string>, keys: readonly string[]): unknown {
    const request = { headers: { ...headers }, socket: { remoteAddress: "198.51.100.1" } };
    setClientAddress(request as unknown as IncomingMessage, keys);
    return request.headers;
  }

  test.each([key, next])("is what the gateway says, by the key %s", (known) => {
    expect(received({ ...sent, "x-front-key": known }, [key, next])).toEqual(sent);
  });

  test.each([
    [undefined, [key]],
    ["k".repeat(31), [key]],
    ["K".repeat(32), [key]],
    ["", []],
  ])("is the peer for who sends the key %s", (known, keys) => {
    const headers = known === undefined ? sent : { ...sent, "x-front-key": known };

    expect(received(headers, keys)).toEqual({ "x-real-ip": "198.51.100.1" });
  });
});
