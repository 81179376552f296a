/** What a front does for every request: origin check, language and theme, session, cookies. */
import { createContext, createCookie, data, redirect } from "react-router";
import type { MiddlewareFunction, RouterContextProvider } from "react-router";

import { formatOf } from "../i18n/format.ts";
import { localeOf } from "../i18n/index.ts";
import type { Locale } from "../i18n/index.ts";
import type { Fetch } from "./api.ts";
import { CORRELATION_HEADER, correlationIdOf } from "./correlation.ts";
import { comesFromOwnPage } from "./origin.ts";
import type { Failure } from "./problem.ts";
import { Refresher, Session, sessionCookies } from "./session.ts";
import type { Settings } from "./settings.ts";

export type Theme = "system" | "light" | "dark";
export const THEMES: readonly Theme[] = ["system", "light", "dark"];

const CHOICE_SECONDS = 365 * 24 * 3600;

/** Who asks: language, theme and session. */
export interface Visitor {
  readonly locale: Locale;
  readonly theme: Theme;
  /** Time zone of the moments that pages show, an IANA name. */
  readonly timeZone: string;
  readonly session: Session;
  readonly correlationId: string;
  /** Where the front is served, which redirects out of a middleware have to name. */
  readonly basePath: string;
  /** Keep a choice in a cookie. */
  choose(choice: Choice): void;
}

export interface Choice {
  readonly locale?: Locale;
  readonly theme?: Theme;
  readonly timeZone?: string;
}

export const visitorContext = createContext<Visitor>();

type ServerMiddleware = MiddlewareFunction<Response>;

/** `name` is that of the front's cookies, `basePath` where it is served. */
export interface FrontConfig {
  readonly name: string;
  readonly basePath: string;
  readonly settings: Settings;
  readonly send?: Fetch;
}

/** The middleware of a front's root route. */
export function visitorMiddleware(config: FrontConfig): ServerMiddleware {
  const { settings } = config;
  const session = {
    settings,
    cookies: sessionCookies(config.name, settings),
    refresher: new Refresher(),
    send: config.send ?? ((request: Request) => fetch(request)),
    loginPath: "/login",
  };
  const cookies = choiceCookies(settings);
  return async ({ request, context }, next) => {
    if (!comesFromOwnPage(request, settings.publicBaseUrl)) {
      throw data(foreignOrigin(), { status: 403 });
    }
    if (!(await hasReadableForm(request))) throw data(formUnreadable(), { status: 400 });
    const caller = {
      address: request.headers.get("X-Real-IP") ?? "127.0.0.1",
      correlationId: correlationIdOf(request.headers.get(CORRELATION_HEADER)),
      userAgent: request.headers.get("User-Agent"),
    };
    let made: Choice = {};
    const visitor: Visitor = {
      ...(await choicesOf(request, settings)),
      session: await Session.of(session, request, caller),
      correlationId: caller.correlationId,
      basePath: config.basePath,
      choose: (choice) => {
        made = { ...made, ...choice };
      },
    };
    context.set(visitorContext, visitor);
    const response = await next();
    for (const cookie of await visitor.session.setCookies()) {
      response.headers.append("Set-Cookie", cookie);
    }
    for (const name of ["locale", "theme", "timeZone"] as const) {
      if (made[name]) response.headers.append("Set-Cookie", await cookies[name].serialize(made[name]));
    }
    if (!response.headers.has("Cache-Control")) response.headers.set("Cache-Control", "no-store");
    return response;
  };
}

/** Language, theme and time zone of a request: what was chosen, else what the browser asks for. */
export async function choicesOf(request: Request, settings: Settings): Promise<Required<Choice>> {
  const { locale, theme, timeZone } = choiceCookies(settings);
  const header = request.headers.get("Cookie");
  const [chosenLocale, chosenTheme, chosenZone] = await Promise.all(
    [locale, theme, timeZone].map((it) => it.parse(header)),
  );
  return {
    locale: localeOf(chosenLocale, request.headers.get("Accept-Language")),
    theme: THEMES.find((it) => it === chosenTheme) ?? "system",
    timeZone: isTimeZone(chosenZone) ? chosenZone : "UTC",
  };
}

/** The middleware of routes that need a log-in: others are sent to the log-in page. */
export const loginRequired: ServerMiddleware = ({ context }) => {
  const { session, basePath } = context.get(visitorContext);
  if (session.interrupted) throw data(sessionsOut(), { status: 503 });
  if (!session.user) throw redirect(`${basePath}${session.loginUrl()}`);
};

/** Who asks, in loaders and actions. */
export function visitorOf(context: Readonly<RouterContextProvider>): Visitor {
  return context.get(visitorContext);
}

/** A path of this front to go to after a log-in: `next` where it is one, otherwise `otherwise`. */
export function ownPath(next: string | null, basePath: string, otherwise: string): string {
  if (!next?.startsWith("/") || !URL.canParse(next, "http://front")) return otherwise;
  const url = new URL(next, "http://front");
  const own = url.pathname === basePath || url.pathname.startsWith(`${basePath}/`);
  if (url.origin !== "http://front" || !own) return otherwise;
  return `${url.pathname.slice(basePath.length) || "/"}${url.search}`;
}

function choiceCookies(settings: Settings) {
  const attributes = {
    httpOnly: true,
    sameSite: "lax",
    path: "/",
    secure: settings.environment === "production",
    maxAge: CHOICE_SECONDS,
  } as const;
  return {
    locale: createCookie("locale", attributes),
    theme: createCookie("theme", attributes),
    timeZone: createCookie("time_zone", attributes),
  };
}

function isTimeZone(name: unknown): name is string {
  if (typeof name !== "string" || name === "") return false;
  try {
    formatOf("en", name);
    return true;
  } catch {
    return false;
  }
}

/** Whether an action can read the form of a request; one without a body has none to read. */
async function hasReadableForm(request: Request): Promise<boolean> {
  const { method, headers } = request;
  if (method === "GET" || method === "HEAD") return true;
  if (!headers.has("Content-Type") && (headers.get("Content-Length") ?? "0") === "0") return true;
  try {
    await request.clone().formData();
    return true;
  } catch {
    return false;
  }
}

function formUnreadable(): Failure {
  return ownFailure(400, "form_unreadable", "The body is not a form.");
}

function foreignOrigin(): Failure {
  return ownFailure(403, "foreign_origin", "The form was sent from another site.");
}

function sessionsOut(): Failure {
  return ownFailure(503, "sessions_unavailable", "Sessions can't be checked at present.", 5);
}

/** What the front itself refuses, without an answer of the API; `retryAfter` in seconds. */
function ownFailure(
  status: number,
  code: string,
  detail: string,
  retryAfter: number | null = null,
): Failure {
  return { status, code, detail, correlationId: "", retryAfter, errors: [] };
}
