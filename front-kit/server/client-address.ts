/** Who sent a request: the gateway, which says for which browser, or somebody else. */
import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

const KEY_HEADER = "x-front-key";
const ADDRESS_HEADER = "x-real-ip";
/** What only the gateway may say of the browser. */
const FORWARDED = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];

/**
 * Make `X-Real-IP` the address of the browser: the header of the gateway, which is known by one of
 * `keys`, and the peer of the connection for everybody else. The key is taken off the request.
 */
export function setClientAddress(request: IncomingMessage, keys: readonly string[]): void {
  const { headers } = request;
  const sent = headers[KEY_HEADER];
  delete headers[KEY_HEADER];
  if (typeof sent === "string" && keys.some((key) => isSame(key, sent))) return;
  headers[ADDRESS_HEADER] = request.socket.remoteAddress ?? "127.0.0.1";
  for (const name of FORWARDED) delete headers[name];
}

function isSame(key: string, sent: string): boolean {
  const [expected, found] = [Buffer.from(key), Buffer.from(sent)];
  return expected.length === found.length && timingSafeEqual(expected, found);
}
