/** What the contracts say of services: who calls whom, and who consumes events. */
import registry from "../../shared/kit/contract_registry.json";

/** The consumers of events, sorted. */
export const consumers: readonly string[] = [...new Set(Object.values(registry.routing).flat())].sort();

/** A call between services: `caller` calls `service`. */
export interface Call {
  readonly caller: string;
  readonly service: string;
}

/** Each pair of services that calls, once; a callback too. */
export const calls: readonly Call[] = pairs();

function pairs(): Call[] {
  const found = new Map<string, Call>();
  for (const { service, callers } of registry.endpoints) {
    for (const caller of callers) found.set(`${caller} ${service}`, { caller, service });
  }
  return [...found.values()];
}
