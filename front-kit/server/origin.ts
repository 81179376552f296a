/** The origin check: a request that changes something has to come from a page of this front. */

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Whether `request` may change something. Browsers say where it comes from by `Sec-Fetch-Site`,
 * older ones by `Origin` alone; a request that says neither is refused.
 */
export function comesFromOwnPage(request: Request, publicBaseUrl: string): boolean {
  if (SAFE.has(request.method)) return true;
  const site = request.headers.get("Sec-Fetch-Site");
  if (site !== null) return site === "same-origin";
  return request.headers.get("Origin") === new URL(publicBaseUrl).origin;
}
