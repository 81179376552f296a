/** What stands where a page can't be shown. */
import { isRouteErrorResponse } from "react-router";

import { useTexts } from "../i18n/react.tsx";
import { kitTexts } from "../i18n/kit.ts";
import type { Failure } from "../server/problem.ts";
import { Button, ButtonLink } from "./button.tsx";
import { PageHead } from "./page.tsx";
import { useRetry } from "./part.tsx";

/** The page for an error of a route: of the API, of the router, or of this code. */
export function ErrorPage(props: { readonly error: unknown; readonly home: string }) {
  const t = useTexts(kitTexts);
  const { status, failure } = read(props.error);
  const kind = isNoAnswer(props.error) ? "noAnswer" : kindOf(status);
  return (
    <div className="stack readable">
      <PageHead title={t.errorTitles[kind]} lead={t.errorTexts[kind]} />
      {failure?.correlationId && (
        <p className="small soft">{t.reference(failure.correlationId)}</p>
      )}
      {(kind === "unavailable" || kind === "noAnswer") && <RetrySoon />}
      <p>
        <ButtonLink to={props.home}>{t.toStart}</ButtonLink>
      </p>
    </div>
  );
}

/** A reload, because the page's own data was never there. */
function RetrySoon() {
  const t = useTexts(kitTexts);
  useRetry();
  return (
    <p className="scripted">
      <Button onClick={() => window.location.reload()}>{t.tryAgain}</Button>
    </p>
  );
}

function read(error: unknown): { status: number; failure: Failure | null } {
  if (!isRouteErrorResponse(error)) return { status: 500, failure: null };
  const data: unknown = error.data;
  const known = typeof data === "object" && data !== null && "code" in data;
  return { status: error.status, failure: known ? (data as Failure) : null };
}

/** Whether `fetch` got no answer, in the words of Chromium, Firefox and Safari. */
function isNoAnswer(error: unknown): boolean {
  return error instanceof TypeError && /^(Failed to fetch|NetworkError|Load failed)/.test(error.message);
}

function kindOf(status: number): "notFound" | "forbidden" | "unavailable" | "other" {
  if (status === 404) return "notFound";
  if (status === 403) return "forbidden";
  if (status === 429 || status === 502 || status === 503 || status === 504) return "unavailable";
  return "other";
}
