/** Runs loaders and actions for an admin, with an API that answers what a test says. */
import { createApi } from "@tools-dashboard/front-kit/server/api.ts";
import { visitorContext } from "@tools-dashboard/front-kit/server/index.ts";
import type { Visitor } from "@tools-dashboard/front-kit/server/index.ts";
import { settingsFrom } from "@tools-dashboard/front-kit/server/settings.ts";
import { RouterContextProvider } from "react-router";

export const settings = settingsFrom({ ENVIRONMENT: "test" }, 4100);

/** A call of the API: `POST /api/tasks?limit=1`, its body and its idempotency key. */
export interface Sent {
  readonly call: string;
  readonly body: unknown;
  readonly key: string | null;
}

interface Answer {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** What the API answers to a call, by its method and path without the query. */
export type Answers = Readonly<Record<string, Answer>>;

interface Asking {
  readonly context: RouterContextProvider;
  readonly sent: Sent[];
  readonly requests: Request[];
  readonly started: unknown[];
  readonly ended: () => boolean;
}

/** `role` is that of who asks, null for nobody. */
export function asking(answers: Answers, role: string | null = "admin"): Asking {
  const sent: Sent[] = [];
  const requests: Request[] = [];
  const started: unknown[] = [];
  let ended = false;
  const send = async (request: Request): Promise<Response> => {
    const { pathname, search } = new URL(request.url);
    const text = await request.text();
    requests.push(request);
    sent.push({
      call: `${request.method} ${pathname}${search}`,
      body: text ? (JSON.parse(text) as unknown) : null,
      key: request.headers.get("Idempotency-Key"),
    });
    const answer = answers[`${request.method} ${pathname}`];
    if (!answer) throw new Error(`no answer for ${request.method} ${pathname}`);
    const { status = 200, body = null, headers = {} } = answer;
    if (status === 204) return new Response(null, { status });
    return Response.json(body, { status, headers });
  };
  const session = {
    api: createApi(settings, send),
    user: role && { userId: "admin-1", role, permissions: [], expiresAt: 0 },
    deviceToken: null,
    interrupted: false,
    start: (tokens: unknown) => started.push(tokens),
    end: () => {
      ended = true;
    },
  };
  const context = new RouterContextProvider();
  const visitor = { session, basePath: "/admin", correlationId: "test", locale: "en" };
  context.set(visitorContext, visitor as unknown as Visitor);
  return { context, sent, requests, started, ended: () => ended };
}

/** A problem as the API answers it. */
export function problem(status: number, code: string, errors: unknown[] = []) {
  return { status, body: { status, code, title: code, detail: code, correlation_id: "c", errors } };
}

/** A request for a page. */
export function reading(path: string): Request {
  return new Request(`http://front${path}`);
}

/** A form that is sent, with the fields in their order. */
export function sending(fields: readonly (readonly [string, string])[]): Request {
  const body = new URLSearchParams(fields.map(([name, value]) => [name, value]));
  return new Request("http://front/", { method: "POST", body });
}

/** Where a response redirects to. */
export function target(response: unknown): string | null {
  return response instanceof Response ? response.headers.get("Location") : null;
}

/** The status and the code that a refused form shows. */
export function refusal(outcome: unknown): unknown {
  const { data, init } = outcome as {
    data: { failure: { code: string }; fields: object };
    init: { status: number };
  };
  return { status: init.status, code: data.failure.code, fields: Object.keys(data.fields) };
}
