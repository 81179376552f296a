/** The process of a front: health, logs and assets. */
import { mkdtempSync, mkdirSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Server } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";

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
  server = frontApp(front, {} as never, log, state).listen(0, "127.0.0.1");
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
