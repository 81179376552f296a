/** The stack as the page draws it: services, their states, and the calls between them. */
import type { Schema } from "@tools-dashboard/front-kit/server/index.ts";

export type State = "ok" | "degraded" | "down" | "unknown";

export interface Service {
  readonly name: string;
  readonly state: State;
  /** How long it took to answer, where somebody asked. */
  readonly latencyMs: number | null;
  readonly detail: string | null;
}

export interface Link {
  readonly from: string;
  readonly to: string;
}

export interface Stack {
  readonly status: Exclude<State, "unknown">;
  readonly services: readonly Service[];
  readonly links: readonly Link[];
  readonly queues: readonly Schema<"ConsumerBacklog">[] | null;
  readonly version: string | null;
  readonly uptimeSeconds: number | null;
}

/** Whether a service that was asked through the gateway answered, and after how many ms. */
export interface Probe {
  readonly answers: boolean;
  readonly ms: number;
}

/** What was asked: back-api's health, null where it gave none, and services by their names. */
export interface Observed {
  readonly health: Schema<"Health"> | null;
  readonly gatewayAnswers: boolean;
  readonly probes: Readonly<Record<string, Probe>>;
}

const SELF = "front-admin";
const GATEWAY = "back-gateway";
export const API = "back-api";

/** The stack by what was observed; `links` name every service. */
export function stackOf(observed: Observed, links: readonly Link[]): Stack {
  const { health } = observed;
  const names = new Set(links.flatMap(({ from, to }) => [from, to]));
  const services = [...names].map((name) => serviceOf(name, observed));
  const broken = services.some(({ state }) => state === "down" || state === "degraded");
  return {
    status: health ? (broken ? "degraded" : "ok") : "down",
    services,
    links,
    queues: health?.backlog ?? null,
    version: health?.version ?? null,
    uptimeSeconds: health?.uptime_seconds ?? null,
  };
}

/** A service by its own answer, otherwise by what back-api says of it. */
function serviceOf(name: string, observed: Observed): Service {
  const { health, gatewayAnswers, probes } = observed;
  if (name === SELF) return { ...unknown(name), state: "ok" };
  if (name === GATEWAY) return { ...unknown(name), state: gatewayAnswers ? "ok" : "down" };
  const probe = probes[name];
  if (probe && gatewayAnswers) {
    const own = name === API ? health?.status : undefined;
    const state = probe.answers ? (own ?? "ok") : "down";
    return { ...unknown(name), state, latencyMs: probe.answers ? probe.ms : null };
  }
  const dependency = health?.dependencies.find((it) => it.name === name);
  if (!dependency) return unknown(name);
  const { state, latency_ms, detail } = dependency;
  return { name, state, latencyMs: state === "ok" ? latency_ms : null, detail: detail ?? null };
}

function unknown(name: string): Service {
  return { name, state: "unknown", latencyMs: null, detail: null };
}
