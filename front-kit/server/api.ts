/** The client of the public API, typed by the contracts. */
import createClient from "openapi-fetch";
import type { Client } from "openapi-fetch";

import type { paths } from "./contract.ts";
import { CORRELATION_HEADER } from "./correlation.ts";
import type { Settings } from "./settings.ts";

export type Api = Client<paths>;
export type Fetch = (request: Request) => Promise<Response>;

/** Whom the front calls for: their address, and the id that joins all logs of the request. */
export interface Caller {
  readonly address: string;
  readonly correlationId: string;
  readonly userAgent: string | null;
}

/**
 * A `fetch` that calls the gateway for `caller`. A gateway that can't be reached, or takes too
 * long, answers 503 as problem+json, so that callers have one kind of failure.
 */
export function gatewayFetch(
  settings: Settings,
  caller: Caller,
  send: Fetch = (request) => fetch(request),
): Fetch {
  return async (request) => {
    request.headers.set(CORRELATION_HEADER, caller.correlationId);
    if (caller.userAgent) request.headers.set("User-Agent", caller.userAgent);
    if (settings.frontKey) {
      request.headers.set("X-Front-Key", settings.frontKey);
      request.headers.set("X-Client-Address", caller.address);
    }
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(timedOut()), settings.callSeconds * 1000);
    timer.unref();
    try {
      const answer = await send(new Request(request, { signal: timeout.signal }));
      if (isFile(answer)) clearTimeout(timer);
      return answer;
    } catch (error) {
      clearTimeout(timer);
      return unreachable(request, caller, error);
    }
  };
}

/** The API behind `send`, which adds the headers. */
export function createApi(settings: Settings, send: Fetch): Api {
  return createClient<paths>({ baseUrl: settings.gatewayUrl, fetch: send });
}

function timedOut(): DOMException {
  return new DOMException("The gateway took too long.", "TimeoutError");
}

/** A file is passed on as it arrives, which may take longer than a call. */
function isFile(answer: Response): boolean {
  return answer.headers.get("Content-Disposition")?.startsWith("attachment") ?? false;
}

function unreachable(request: Request, caller: Caller, error: unknown): Response {
  const late = error instanceof DOMException && error.name === "TimeoutError";
  const problem = {
    type: "urn:tools-dashboard:problem:unavailable",
    title: "Temporarily unavailable",
    status: 503,
    detail: late ? "The gateway took too long." : "The gateway can not be reached.",
    instance: new URL(request.url).pathname,
    code: "unavailable",
    correlation_id: caller.correlationId,
  };
  return Response.json(problem, {
    status: 503,
    headers: { "Content-Type": "application/problem+json", "Retry-After": "2" },
  });
}
