/** Asks the stack how it is: back-api's health, and whether other services answer. */
import { createApi, gatewayFetch } from "@tools-dashboard/front-kit/server/api.ts";
import type { Caller, Fetch } from "@tools-dashboard/front-kit/server/api.ts";
import type { Settings } from "@tools-dashboard/front-kit/server/index.ts";

import { API } from "./stack.ts";
import type { Observed, Probe } from "./stack.ts";

/** Paths that cost their service next to nothing; that of the sockets is not found there. */
const PROBED: Readonly<Record<string, string>> = {
  "front-public": "/app/icon.svg",
  "back-websockets": "/ws/",
};
/** Who takes longer counts as down; a service's own health takes 2 s at most. */
const ASKED_SECONDS = 3;
/** What the gateway answers in the place of a service. */
const GATEWAY_ERRORS = new Set([502, 503, 504]);

/** What answers at the moment; it never throws. */
export async function observe(
  settings: Settings,
  caller: Caller,
  send?: Fetch,
): Promise<Observed> {
  const ask = gatewayFetch({ ...settings, callSeconds: ASKED_SECONDS }, caller, send);
  const api = createApi(settings, ask);
  const started = performance.now();
  const [health, ...probes] = await Promise.all([
    api.GET("/health").then((answer) => ({ ...answer, ms: since(started) })),
    ...Object.entries(PROBED).map(async ([name, path]) => {
      const { status, headers } = await ask(new Request(`${settings.gatewayUrl}${path}`));
      const probe = { answers: !GATEWAY_ERRORS.has(status), ms: since(started) };
      return { name, probe, headers };
    }),
  ]);
  const found = typeof health.data === "object" ? health.data : null;
  return {
    health: found,
    // The kit answers for a gateway that can't be reached, without the gateway's correlation id.
    gatewayAnswers: [health.response, ...probes].some((it) => it.headers.has("X-Correlation-ID")),
    probes: {
      ...Object.fromEntries(probes.map(({ name, probe }): [string, Probe] => [name, probe])),
      [API]: { answers: found !== null, ms: health.ms },
    },
  };
}

function since(started: number): number {
  return Math.round((performance.now() - started) * 10) / 10;
}
