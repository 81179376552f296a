/** Settings of a front's process, read once from the environment. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

export type Environment = "development" | "production" | "test";

/**
 * `gatewayUrl` is where the front calls the API, `publicBaseUrl` the address that browsers use.
 * `frontKey` authenticates the front to the gateway; null where `SECRETS_DIR` has none. A request
 * with one of `gatewayKeys` comes from the gateway.
 */
export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly gatewayUrl: string;
  readonly publicBaseUrl: string;
  readonly environment: Environment;
  readonly logLevel: string;
  readonly frontKey: string | null;
  readonly gatewayKeys: readonly string[];
  readonly callSeconds: number;
}

const KEY_FILE = /^front-gateway.*\.key$/;
const ENVIRONMENTS: readonly string[] = ["development", "production", "test"];

/** Throws where a value has no meaning. `ENVIRONMENT` unset is production. */
export function settingsFrom(env: NodeJS.ProcessEnv, port: number): Settings {
  const environment = env["ENVIRONMENT"] || "production";
  if (!ENVIRONMENTS.includes(environment)) {
    throw new Error(`ENVIRONMENT is ${environment}: use one of ${ENVIRONMENTS.join(", ")}`);
  }
  const keys = keysIn(env["SECRETS_DIR"]);
  return Object.freeze({
    host: env["HOST"] || "127.0.0.1",
    port: numberFrom(env, "PORT", port),
    gatewayUrl: urlFrom(env, "GATEWAY_URL", "http://127.0.0.1:8000"),
    publicBaseUrl: urlFrom(env, "PUBLIC_BASE_URL", "http://127.0.0.1:8000"),
    environment: environment as Environment,
    logLevel: (env["LOG_LEVEL"] || "info").toLowerCase(),
    frontKey: keys.get("front-gateway.key") ?? null,
    gatewayKeys: Object.freeze([...keys.values()]),
    callSeconds: numberFrom(env, "CALL_SECONDS", 10),
  });
}

function numberFrom(env: NodeJS.ProcessEnv, name: string, otherwise: number): number {
  const value = Number(env[name] || otherwise);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`${name} is ${env[name]}: no number`);
  return value;
}

function urlFrom(env: NodeJS.ProcessEnv, name: string, otherwise: string): string {
  const text = env[name] || otherwise;
  if (!URL.canParse(text)) throw new Error(`${name} is ${text}: no URL`);
  return text.replace(/\/+$/, "");
}

/** The keys by file: while one is replaced there are two, such as `front-gateway-next.key`. */
function keysIn(folder: string | undefined): Map<string, string> {
  if (!folder || !existsSync(folder)) return new Map();
  const files = readdirSync(folder).filter((it) => KEY_FILE.test(it));
  const keys = files.map((it) => [it, readFileSync(join(folder, it), "utf8").trim()] as const);
  return new Map(keys.filter(([, key]) => key));
}
