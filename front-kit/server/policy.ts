/** The Content-Security-Policy and the other headers of a page. */
import { randomBytes } from "node:crypto";

/** A value for one response only. */
export function newNonce(): string {
  return randomBytes(16).toString("base64");
}

/**
 * The policy of a page whose scripts carry `nonce`. `publicBaseUrl` is where its WebSocket goes.
 * `hotReload` allows what Vite needs in development: its styles are inline and its socket is its own.
 */
export function contentSecurityPolicy(
  nonce: string,
  publicBaseUrl: string,
  hotReload = false,
): string {
  const socket = new URL(publicBaseUrl);
  socket.protocol = socket.protocol === "https:" ? "wss:" : "ws:";
  const directives: Record<string, string> = {
    "default-src": "'self'",
    "script-src": `'self' 'nonce-${nonce}'`,
    "style-src": hotReload ? "'self' 'unsafe-inline'" : "'self'",
    "img-src": "'self' data: https:",
    "connect-src": hotReload ? "'self' ws: wss:" : `'self' ${socket.origin}`,
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
  };
  return Object.entries(directives)
    .map(([name, value]) => `${name} ${value}`)
    .join("; ");
}

/** Put the headers of a page on `headers`. A page is made for one visitor, so nobody keeps it. */
export function setPageHeaders(headers: Headers, policy: string): void {
  headers.set("Content-Type", "text/html; charset=utf-8");
  headers.set("Content-Security-Policy", policy);
  headers.set("X-Content-Type-Options", "nosniff");
  headers.set("Referrer-Policy", "same-origin");
  headers.set("Permissions-Policy", "camera=(), geolocation=(), microphone=()");
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cache-Control", "no-store");
}
