/** A part of a page that may be missing while the service behind it is out. */
import { useEffect } from "react";
import type { ReactNode } from "react";
import { useRevalidator } from "react-router";

import { useTexts } from "../i18n/react.tsx";
import { kitTexts } from "../i18n/kit.ts";
import type { Failure, Part } from "../server/problem.ts";
import { failureText } from "./form.tsx";
import { Notice } from "./surfaces.tsx";

const RETRY_SECONDS = 5;

/** Reads the page's data again every few seconds, as long as the component is shown. */
export function useRetry(seconds: number = RETRY_SECONDS): void {
  const { revalidate, state } = useRevalidator();
  useEffect(() => {
    if (state !== "idle") return;
    const timer = setTimeout(() => void revalidate(), seconds * 1000);
    return () => clearTimeout(timer);
  }, [revalidate, state, seconds]);
}

/** `children` with the data of a part, or what is missing, which is tried again by itself. */
export function PartView<Data>(props: {
  readonly part: Part<Data>;
  readonly children: (value: Data) => ReactNode;
}): ReactNode {
  const { part, children } = props;
  return part.state === "ready" ? children(part.value) : <MissingPart failure={part.failure} />;
}

function MissingPart(props: { readonly failure: Failure }) {
  const t = useTexts(kitTexts);
  useRetry();
  const temporary = props.failure.status >= 500 || props.failure.status === 429;
  return (
    <Notice kind="warning" role="status">
      <p>{temporary ? t.missingPart : failureText(t, props.failure)}</p>
    </Notice>
  );
}
