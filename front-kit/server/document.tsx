/** Renders a document: whole, so that it works without JavaScript, and under a strict policy. */
import { renderToReadableStream } from "react-dom/server.node";
import { ServerRouter, isRouteErrorResponse } from "react-router";
import type { EntryContext, HandleErrorFunction } from "react-router";

import { ChoicesContext } from "../ui/choices.tsx";
import { NonceContext } from "../ui/nonce.tsx";
import { CORRELATION_HEADER } from "./correlation.ts";
import { choicesOf } from "./front.ts";
import { createLog, errorFields } from "./log.ts";
import { contentSecurityPolicy, newNonce, setPageHeaders } from "./policy.ts";
import type { Settings } from "./settings.ts";

type HandleDocument = (
  request: Request,
  status: number,
  headers: Headers,
  context: EntryContext,
) => Promise<Response>;

/** The default export of a front's `entry.server.tsx`. */
export function documentHandler(settings: Settings, hotReload: boolean): HandleDocument {
  return async (request, status, headers, context) => {
    const nonce = newNonce();
    const page = await renderToReadableStream(
      <NonceContext value={nonce}>
        <ChoicesContext value={await choicesOf(request, settings)}>
          <ServerRouter context={context} url={request.url} nonce={nonce} />
        </ChoicesContext>
      </NonceContext>,
      { nonce, signal: request.signal },
    );
    await page.allReady;
    setPageHeaders(headers, contentSecurityPolicy(nonce, settings.publicBaseUrl, hotReload));
    return new Response(page, { status, headers });
  };
}

/** `handleError` of a front's `entry.server.tsx`: one log line for each error that nobody expected. */
export function errorLog(service: string, settings: Settings): HandleErrorFunction {
  const log = createLog(service, settings.logLevel);
  return (error, { request }) => {
    if (request.signal.aborted || isRouteErrorResponse(error)) return;
    const correlation_id = request.headers.get(CORRELATION_HEADER);
    log("error", "unexpected_error", { correlation_id, ...errorFields(error) });
  };
}
