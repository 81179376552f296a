/** The session of a browser: tokens in cookies that no script can read, refreshed without a word. */
import { createCookie, redirect } from "react-router";
import type { Cookie } from "react-router";

import { createApi, gatewayFetch } from "./api.ts";
import type { Api, Caller, Fetch } from "./api.ts";
import type { Schema } from "./contract.ts";
import type { Settings } from "./settings.ts";

/** An access token that ends sooner than this is refreshed before the API is called. */
const REFRESH_BEFORE_SECONDS = 60;
/** How long the outcome of a refresh serves other requests with the same cookie. */
const REFRESH_SHARED_SECONDS = 10;
/** The longest life of a session; the API decides whether one is alive. */
const COOKIE_SECONDS = 90 * 24 * 3600;
const DEVICE_SECONDS = 365 * 24 * 3600;

/** Codes of 401 that tell of a wrong password, not of an ended session. */
const WRONG_PASSWORD = new Set(["invalid_credentials", "wrong_password"]);

type TokenPair = Schema<"TokenPair">;

/** What the access token says of its user. The API verifies it; here it only shapes pages. */
export interface Claims {
  readonly userId: string;
  readonly role: string;
  readonly permissions: readonly string[];
  readonly expiresAt: number;
}

interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

type Refreshed =
  | { readonly outcome: "tokens"; readonly tokens: Tokens }
  | { readonly outcome: "ended" }
  | { readonly outcome: "unavailable" };

/** The names and attributes of a front's cookies; `front` keeps those of two fronts apart. */
export interface SessionCookies {
  readonly access: Cookie;
  readonly refresh: Cookie;
  readonly device: Cookie;
}

/** Outside development the names start with `__Host-`, which browsers bind to host and HTTPS. */
export function sessionCookies(front: string, settings: Settings): SessionCookies {
  const secure = settings.environment === "production";
  const named = (name: string, maxAge: number): Cookie =>
    createCookie(`${secure ? "__Host-" : ""}${front}_${name}`, {
      httpOnly: true,
      sameSite: "lax",
      path: "/",
      secure,
      maxAge,
    });
  return {
    access: named("access", COOKIE_SECONDS),
    refresh: named("refresh", COOKIE_SECONDS),
    device: named("device", DEVICE_SECONDS),
  };
}

/** The claims of an access token, null for a text that is none. */
export function claimsOf(token: string): Claims | null {
  try {
    const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8");
    const claims = JSON.parse(payload) as Record<string, unknown>;
    if (typeof claims["sub"] !== "string" || typeof claims["exp"] !== "number") return null;
    const permissions = Array.isArray(claims["permissions"]) ? claims["permissions"] : [];
    return {
      userId: claims["sub"],
      role: typeof claims["role"] === "string" ? claims["role"] : "",
      permissions: permissions.filter((it) => typeof it === "string"),
      expiresAt: claims["exp"],
    };
  } catch {
    return null;
  }
}

/** Refreshes sessions; requests that bring the same token at about the same time share one call. */
export class Refresher {
  readonly #underway = new Map<string, Promise<Refreshed>>();

  refresh(token: string, call: (token: string) => Promise<Refreshed>): Promise<Refreshed> {
    const known = this.#underway.get(token);
    if (known) return known;
    const refreshed = call(token);
    this.#underway.set(token, refreshed);
    const forget = (seconds: number): void => {
      setTimeout(() => this.#underway.delete(token), seconds * 1000).unref();
    };
    refreshed.then(
      ({ outcome }) => forget(outcome === "unavailable" ? 0 : REFRESH_SHARED_SECONDS),
      () => forget(0),
    );
    return refreshed;
  }
}

/** How a session is read, kept and ended; one a front. */
export interface SessionConfig {
  readonly settings: Settings;
  readonly cookies: SessionCookies;
  readonly refresher: Refresher;
  readonly send: Fetch;
  /** Path of the log-in page below the base path. */
  readonly loginPath: string;
}

/** The session of one request. Tokens stay inside: loaders and actions get `api`. */
export class Session {
  readonly api: Api;
  #tokens: Tokens | null;
  #device: string | null;
  #changed = false;
  #deviceChanged = false;
  #interrupted = false;
  readonly #config: SessionConfig;
  readonly #direct: Fetch;
  readonly #api: Api;
  readonly #returnTo: string;

  private constructor(
    config: SessionConfig,
    caller: Caller,
    returnTo: string,
    kept: { tokens: Tokens | null; device: string | null },
  ) {
    this.#config = config;
    this.#returnTo = returnTo;
    this.#tokens = kept.tokens;
    this.#device = kept.device;
    this.#direct = gatewayFetch(config.settings, caller, config.send);
    this.#api = createApi(config.settings, this.#direct);
    this.api = createApi(config.settings, (request) => this.#call(request));
  }

  /** The session of `request`; refreshed where its access token is about to end. */
  static async of(config: SessionConfig, request: Request, caller: Caller): Promise<Session> {
    const header = request.headers.get("Cookie");
    const [access, refresh, device] = await Promise.all(
      [config.cookies.access, config.cookies.refresh, config.cookies.device].map(
        async (cookie) => textOf(await cookie.parse(header)),
      ),
    );
    const tokens = refresh ? { access: access ?? "", refresh } : null;
    const url = new URL(request.url);
    const session = new Session(config, caller, `${url.pathname}${url.search}`, {
      tokens,
      device: device ?? null,
    });
    await session.#refreshWhenDue();
    return session;
  }

  /** Who is logged in; null for nobody. */
  get user(): Claims | null {
    return this.#tokens && claimsOf(this.#tokens.access);
  }

  /** Whether there is a session that can't be refreshed at present, as back-auth is out. */
  get interrupted(): boolean {
    return this.#interrupted;
  }

  /** What login sends as `X-Device-Token`. */
  get deviceToken(): string | null {
    return this.#device;
  }

  /** Keep the tokens of a log-in. */
  start(tokens: Schema<"LoginTokens">): void {
    this.#tokens = tokensOf(tokens);
    this.#device = tokens.device_token;
    this.#changed = true;
    this.#deviceChanged = true;
    this.#interrupted = false;
  }

  /** Forget the tokens; that the API ends the session is the caller's. */
  end(): void {
    this.#tokens = null;
    this.#changed = true;
  }

  /** The `Set-Cookie` values of what changed. */
  async setCookies(): Promise<string[]> {
    const { access, refresh, device } = this.#config.cookies;
    const cookies: string[] = [];
    if (this.#changed && this.#tokens) {
      cookies.push(await access.serialize(this.#tokens.access));
      cookies.push(await refresh.serialize(this.#tokens.refresh));
    } else if (this.#changed) {
      cookies.push(await access.serialize("", { maxAge: 0 }));
      cookies.push(await refresh.serialize("", { maxAge: 0 }));
    }
    if (this.#deviceChanged && this.#device) cookies.push(await device.serialize(this.#device));
    return cookies;
  }

  /** Where to log in, and come back from. */
  loginUrl(): string {
    const next = encodeURIComponent(this.#returnTo);
    return `${this.#config.loginPath}?next=${next}`;
  }

  async #call(request: Request): Promise<Response> {
    const tokens = this.#tokens;
    if (!tokens) return this.#direct(request);
    const again = request.clone();
    const answer = await this.#direct(authorized(request, tokens));
    if (answer.status !== 401 || (await isWrongPassword(answer))) return answer;
    // A password change elsewhere refuses the access tokens before it, not the session itself.
    await this.#refresh(tokens.refresh);
    const refreshed = this.#tokens;
    if (refreshed && refreshed !== tokens) {
      const second = await this.#direct(authorized(again, refreshed));
      if (second.status !== 401) return second;
      this.end();
    }
    if (this.#interrupted) return answer;
    this.end();
    throw redirect(this.loginUrl());
  }

  async #refreshWhenDue(): Promise<void> {
    if (!this.#tokens) return;
    const ends = claimsOf(this.#tokens.access)?.expiresAt ?? 0;
    if (ends - Date.now() / 1000 > REFRESH_BEFORE_SECONDS) return;
    await this.#refresh(this.#tokens.refresh);
    if (this.#interrupted && ends > Date.now() / 1000) this.#interrupted = false;
  }

  async #refresh(token: string): Promise<void> {
    const refreshed = await this.#config.refresher.refresh(token, (it) => this.#ask(it));
    this.#interrupted = refreshed.outcome === "unavailable";
    if (refreshed.outcome === "tokens") {
      this.#tokens = refreshed.tokens;
      this.#changed = true;
    } else if (refreshed.outcome === "ended") {
      this.end();
    }
  }

  async #ask(refresh_token: string): Promise<Refreshed> {
    const { data, response } = await this.#api.POST("/auth/refresh", { body: { refresh_token } });
    if (data) return { outcome: "tokens", tokens: tokensOf(data) };
    // 422: the cookie holds no token.
    return { outcome: response.status === 401 || response.status === 422 ? "ended" : "unavailable" };
  }
}

function tokensOf(pair: TokenPair): Tokens {
  return { access: pair.access_token, refresh: pair.refresh_token };
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value ? value : null;
}

function authorized(request: Request, tokens: Tokens): Request {
  request.headers.set("Authorization", `Bearer ${tokens.access}`);
  return request;
}

async function isWrongPassword(answer: Response): Promise<boolean> {
  try {
    const problem = (await answer.clone().json()) as { code?: unknown };
    return typeof problem.code === "string" && WRONG_PASSWORD.has(problem.code);
  } catch {
    return false;
  }
}
