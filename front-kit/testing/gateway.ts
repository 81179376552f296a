/** A gateway that answers what a test says, and a visitor whose requests go through it. */
import { RouterContextProvider } from "react-router";

import { visitorMiddleware, visitorOf } from "../server/front.ts";
import { settingsFrom } from "../server/settings.ts";
import type { Visitor } from "../server/front.ts";

/** What the gateway answers to a call; a function gets the request. */
export interface Answer {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** A call that reached the gateway. */
export interface Call {
  readonly call: string;
  readonly body: unknown;
  readonly headers: Headers;
}

type Answers = Readonly<Record<string, Answer | ((call: Call) => Answer | Promise<Answer>)>>;

export class FakeGateway {
  readonly calls: Call[] = [];
  readonly #answers: Answers;

  /** `answers` by method and path, such as `POST /auth/login`. */
  constructor(answers: Answers) {
    this.#answers = answers;
  }

  readonly send = async (request: Request): Promise<Response> => {
    const { pathname, search } = new URL(request.url);
    const text = await request.text();
    const call = {
      call: `${request.method} ${pathname}${search}`,
      body: text ? (JSON.parse(text) as unknown) : null,
      headers: request.headers,
    };
    this.calls.push(call);
    const found = this.#answers[`${request.method} ${pathname}`];
    if (!found) throw new TypeError(`connect ECONNREFUSED ${request.method} ${pathname}`);
    const { status = 200, body, headers = {} } =
      typeof found === "function" ? await found(call) : found;
    if (body === undefined) return new Response(null, { status, headers });
    return Response.json(body, { status, headers });
  };

  /** How often a call came, by method and path. */
  count(call: string): number {
    return this.calls.filter((it) => it.call.split("?")[0] === call).length;
  }
}

/** A problem as the API answers it. */
export function problem(
  status: number,
  code: string,
  errors: readonly { pointer: string; code: string; message: string }[] = [],
): Answer {
  const title = code;
  return { status, body: { status, code, title, detail: code, correlation_id: "c", errors } };
}

/** An access token of `seconds` from now; nobody verifies it here. */
export function accessToken(seconds: number, name = "t"): string {
  const exp = Math.floor(Date.now() / 1000) + seconds;
  const claims = { sub: "user-1", role: "user", permissions: [], exp, jti: name };
  return `h.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.s`;
}

/** Tokens as the API gives them. */
export function tokens(name: string, seconds = 900) {
  return {
    access_token: accessToken(seconds, name),
    refresh_token: `refresh-${name}`,
    token_type: "Bearer",
    expires_in: seconds,
    device_token: `device-${name}`,
  };
}

/** A browser: it keeps cookies, and runs a handler as React Router would behind the middleware. */
export class Browser {
  readonly cookies = new Map<string, string>();
  readonly #middleware: ReturnType<typeof visitorMiddleware>;

  constructor(gateway: Pick<FakeGateway, "send">, environment = "test") {
    const settings = settingsFrom({ ENVIRONMENT: environment }, 4101);
    this.#middleware = visitorMiddleware({
      name: "public",
      basePath: "/app",
      settings,
      send: gateway.send,
    });
  }

  /** What `handler` returns, or throws, as it is. */
  async run<Result>(
    request: Request,
    handler: (args: { request: Request; context: RouterContextProvider }) => Result,
  ): Promise<Awaited<Result>> {
    const context = new RouterContextProvider();
    const outcome: { result?: Awaited<Result>; error?: unknown } = {};
    const response = await this.#middleware(
      { request: this.#with(request), context, params: {} } as never,
      async () => {
        try {
          outcome.result = await handler({ request: this.#with(request), context });
          const { result } = outcome;
          return result instanceof Response ? new Response(null, result) : new Response();
        } catch (error) {
          outcome.error = error;
          return error instanceof Response ? new Response(null, error) : new Response();
        }
      },
    );
    for (const cookie of (response as Response).headers.getSetCookie()) this.#keep(cookie);
    if (outcome.error) throw outcome.error;
    return outcome.result as Awaited<Result>;
  }

  /** The visitor of a request. */
  visitor(request = reading("/app")): Promise<Visitor> {
    return this.run(request, ({ context }) => visitorOf(context));
  }

  #with(request: Request): Request {
    const copy = request.clone();
    const header = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    if (header) copy.headers.set("Cookie", header);
    return copy;
  }

  #keep(cookie: string): void {
    const [pair = "", ...attributes] = cookie.split("; ");
    const [name = "", value = ""] = pair.split("=", 2);
    if (attributes.includes("Max-Age=0")) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

/** A browser whose visitor is logged in. */
export async function loggedIn(gateway: Pick<FakeGateway, "send">): Promise<Browser> {
  const browser = new Browser(gateway);
  await browser.run(reading("/"), ({ context }) => {
    visitorOf(context).session.start(tokens("first") as never);
  });
  return browser;
}

/** What a loader or an action returns, or throws; `params` are those of its route. */
export function run(
  browser: Browser,
  handler: (args: never) => unknown,
  request: Request,
  params = {},
): Promise<unknown> {
  return browser.run(request, (args) => handler({ ...args, params } as never));
}

/** A request for a page. */
export function reading(path: string): Request {
  return new Request(`http://front${path}`);
}

/** A form that the page itself sends. */
export function sending(path: string, fields: Readonly<Record<string, string>>): Request {
  return new Request(`http://front${path}`, {
    method: "POST",
    body: new URLSearchParams(fields),
    headers: { "Sec-Fetch-Site": "same-origin" },
  });
}

/** Where a response redirects to. */
export function target(response: unknown): string | null {
  return response instanceof Response ? response.headers.get("Location") : null;
}

/** The status, the code and the fields that a refused form shows. */
export function refusal(outcome: unknown): { status: number; code: string; fields: string[] } {
  const { data, init } = outcome as {
    data: { failure: { code: string }; fields: object };
    init: { status: number };
  };
  return { status: init.status, code: data.failure.code, fields: Object.keys(data.fields) };
}

/** What `run` throws. */
export async function thrown(run: Promise<unknown>): Promise<unknown> {
  try {
    await run;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
