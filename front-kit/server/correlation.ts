/** The correlation id of a request: the caller's when it is well-formed, otherwise a new one. */
import { randomUUID } from "node:crypto";

export const CORRELATION_HEADER = "X-Correlation-ID";

const WELL_FORMED = /^[A-Za-z0-9._-]{8,64}$/;

export function correlationIdOf(received: string | null | undefined): string {
  return received && WELL_FORMED.test(received) ? received : randomUUID();
}
