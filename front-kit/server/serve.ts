/** The process of a front: express serves its assets, its health and the React Router build. */
import { once } from "node:events";
import { existsSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { createRequestHandler } from "@react-router/express";
import compression from "compression";
import express from "express";
import type { Express, NextFunction, Request, Response } from "express";
import type { ServerBuild } from "react-router";

import { setClientAddress } from "./client-address.ts";
import { CORRELATION_HEADER, correlationIdOf } from "./correlation.ts";
import { createLog, errorFields } from "./log.ts";
import type { Log } from "./log.ts";
import { settingsFrom } from "./settings.ts";

const DRAIN_SECONDS = 10;
const KEEP_ALIVE_SECONDS = 65;

/** `folder` holds the front's `build/`; `port` is the one it listens on unless `PORT` is set. */
export interface FrontProcess {
  readonly name: string;
  readonly version: string;
  readonly basePath: string;
  readonly port: number;
  readonly folder: string;
}

/** Serve until SIGTERM or SIGINT, then answer what is under way and end. */
export async function serve(front: FrontProcess): Promise<void> {
  const settings = settingsFrom(process.env, front.port);
  const log = createLog(front.name, settings.logLevel);
  const entry = join(front.folder, "build/server/index.js");
  if (!existsSync(entry)) {
    log("error", "not_built", { message: "run `npm run build` in the folder of the front" });
    process.exitCode = 1;
    return;
  }
  const build = (await import(pathToFileURL(entry).href)) as ServerBuild;
  const state = { draining: false };
  const app = frontApp(front, build, log, state, settings.gatewayKeys);
  const server = app.listen(settings.port, settings.host);
  server.keepAliveTimeout = KEEP_ALIVE_SECONDS * 1000;
  await once(server, "listening");
  log("info", "started", { version: front.version, port: settings.port });
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      state.draining = true;
      void drained(server).then(() => {
        log("info", "stopped");
        process.exit(0);
      });
    });
  }
}

/**
 * The express app of a front; `state.draining` makes it answer not ready. The gateway is known by
 * one of `gatewayKeys`.
 */
export function frontApp(
  front: FrontProcess,
  build: ServerBuild,
  log: Log,
  state: { draining: boolean },
  gatewayKeys: readonly string[],
): Express {
  const app = express();
  app.disable("x-powered-by");
  // The gateway says which host and scheme the browser used: the URLs of requests have them. What
  // others say of it is removed first.
  app.set("trust proxy", true);
  app.use((request, _response, next) => {
    setClientAddress(request, gatewayKeys);
    next();
  });
  app.use(logged(log));
  const answer = (status: string): Record<string, string> => ({
    status,
    service: front.name,
    version: front.version,
  });
  app.get("/health/live", (_request, response) => {
    response.json(answer("ok"));
  });
  app.get("/health/ready", (_request, response) => {
    response.status(state.draining ? 503 : 200).json(answer(state.draining ? "stopping" : "ok"));
  });
  app.get("/", (_request, response) => {
    response.redirect(front.basePath);
  });
  app.use(compression());
  const client = join(front.folder, "build/client");
  app.use(
    `${front.basePath}/assets`,
    express.static(join(client, "assets"), { immutable: true, maxAge: "1y", fallthrough: false }),
  );
  app.use(front.basePath, express.static(client, { maxAge: "1h", index: false, redirect: false }));
  app.use(createRequestHandler({ build }));
  app.use((error: Error, _request: Request, response: Response, next: NextFunction) => {
    const status = (error as { status?: number }).status ?? 500;
    if (status >= 500) log("error", "request_failed", errorFields(error));
    if (response.headersSent) next(error);
    else response.status(status).type("text/plain").send(status === 404 ? "Not found" : "Error");
  });
  return app;
}

function logged(log: Log) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const started = performance.now();
    const correlation = correlationIdOf(request.get(CORRELATION_HEADER));
    request.headers[CORRELATION_HEADER.toLowerCase()] = correlation;
    response.setHeader(CORRELATION_HEADER, correlation);
    // Read now: express changes `path` while it looks for the handler.
    const path = request.path;
    response.on("finish", () => {
      const quiet = path.startsWith("/health") || path.includes("/assets/");
      log(quiet ? "debug" : "info", "request", {
        correlation_id: correlation,
        method: request.method,
        path,
        status: response.statusCode,
        ms: Math.round((performance.now() - started) * 10) / 10,
      });
    });
    next();
  };
}

async function drained(server: Server): Promise<void> {
  const forced = setTimeout(() => server.closeAllConnections(), DRAIN_SECONDS * 1000);
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  await closed;
  clearTimeout(forced);
}
