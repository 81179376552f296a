/** Forms that the API may refuse: each error at its field, and all of them above the form. */
import { createContext, use, useEffect, useRef, useState } from "react";
import type { ChangeEvent, ReactNode, SubmitEvent } from "react";
import { Form, useSubmit } from "react-router";
import type { FormProps, SubmitTarget } from "react-router";

import { useTexts } from "../i18n/react.tsx";
import { kitTexts } from "../i18n/kit.ts";
import { scriptsListen } from "./before-scripts.ts";
import type { Failure, FormFailure } from "../server/problem.ts";

type KitTexts = (typeof kitTexts)["en"];

/** Instead of sending: the browser has no network. */
const OFFLINE: FormFailure = {
  failure: { status: 0, code: "offline", detail: "", correlationId: "", retryAfter: null, errors: [] },
  fields: {},
};

const FailureContext = createContext<FormFailure | null>(null);

/** A text by a code of the API, null for a code that is not known here. */
function textOf(table: Readonly<Record<string, string>>, code: string): string | null {
  return Object.hasOwn(table, code) ? (table[code] ?? null) : null;
}

/** What a failure says to a person, in the language of the page. */
export function failureText(t: KitTexts, failure: Failure): string {
  const text = textOf(t.problems, failure.code) ?? t.unexpected;
  return failure.retryAfter === null ? text : `${text} ${t.waitSeconds(failure.retryAfter)}`;
}

/** The error of the field `name`, null where it has none. */
export function useFieldError(name: string): string | null {
  const failure = use(FailureContext);
  const t = useTexts(kitTexts);
  const error = failure?.fields[name];
  if (!error) return null;
  return textOf(t.fieldErrors, error.code) ?? textOf(t.problems, error.code) ?? t.fieldErrors.value_error;
}

/** What a refused form sent in the field `name`, undefined where it was not refused. */
export function useSentValue(name: string): unknown {
  return use(FailureContext)?.values?.[name];
}

/**
 * A form whose action answers with `refused(...)`. It works without JavaScript. `labels` name the
 * fields in the list of errors. The field `key` has the `Idempotency-Key` of the next attempt:
 * `idempotencyKey`, or the one that `refusedWithKey(...)` answered.
 */
export function ApiForm(
  props: Omit<FormProps, "onSubmit"> & {
    readonly failure: FormFailure | null | undefined;
    readonly labels?: Readonly<Record<string, string>>;
    readonly idempotencyKey?: string;
    readonly children: ReactNode;
  },
) {
  const { labels = {}, idempotencyKey, children, ...form } = props;
  const [offline, setOffline] = useState(false);
  const failure = offline ? OFFLINE : props.failure;
  const key = props.failure?.key ?? idempotencyKey;
  const submit = useSubmit();
  // Sent without a network, the form would be replaced by an error page, with all that was typed.
  const onSubmit = (event: SubmitEvent<HTMLFormElement>): void => {
    if (navigator.onLine) {
      setOffline(false);
      return;
    }
    event.preventDefault();
    const sender = event.nativeEvent.submitter ?? event.currentTarget;
    void frontAnswers().then((found) => {
      setOffline(!found);
      if (found) void submit(sender as SubmitTarget);
    });
  };
  return (
    <FailureContext value={failure ?? null}>
      <Form method="post" className="stack" {...form} onSubmit={onSubmit}>
        {failure && <FormErrors outcome={failure} labels={labels} />}
        {key !== undefined && <input type="hidden" name="key" value={key} />}
        {children}
      </Form>
    </FailureContext>
  );
}

/** Whether the front can be reached: a front on this computer can, also without a network. */
async function frontAnswers(): Promise<boolean> {
  const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  try {
    return (await fetch(icon?.href ?? "", { method: "HEAD", cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

function FormErrors(props: {
  readonly outcome: FormFailure;
  readonly labels: Readonly<Record<string, string>>;
}) {
  const { outcome, labels } = props;
  const t = useTexts(kitTexts);
  const summary = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // A page that came with the errors has been used already when its scripts begin to listen.
    if (scriptsListen() || document.activeElement === document.body) summary.current?.focus();
  }, [outcome]);
  const fields = Object.keys(outcome.fields).filter((name) => name in labels);
  return (
    <div className="notice" data-kind="danger" role="alert" tabIndex={-1} ref={summary}>
      <p>{failureText(t, outcome.failure)}</p>
      {fields.length > 0 && (
        <ul>
          {fields.map((name) => (
            <li key={name}>
              <a href={`#field-${name}`}>{labels[name]}</a>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/**
 * The ref of a form that each choice in one of its `select`s sends, with that form's `onChange`. A
 * choice that was made before React listened is sent as soon as it does.
 */
export function useSendOnChoice() {
  const ref = useRef<HTMLFormElement>(null);
  useEffect(() => {
    const selects = ref.current?.querySelectorAll("select") ?? [];
    if ([...selects].some(isChanged)) ref.current?.requestSubmit();
  }, []);
  const onChange = (event: ChangeEvent<HTMLFormElement>): void => {
    if (event.target instanceof HTMLSelectElement) event.currentTarget.requestSubmit();
  };
  return { ref, onChange };
}

/** Whether another option is chosen than the one that the page came with. */
export function isChanged({ options, selectedIndex }: HTMLSelectElement): boolean {
  const given = [...options].findIndex((it) => it.defaultSelected);
  return selectedIndex !== Math.max(given, 0);
}
