/** What a front makes of the API's answers: data, a missing part, or the errors of a form. */
import { data } from "react-router";

import type { Problem } from "./contract.ts";

/** An answer of the API as openapi-fetch gives it. */
export interface Answer<Data> {
  readonly data?: Data;
  readonly error?: unknown;
  readonly response: Response;
}

/** What a page shows of an error: the code is stable, `retryAfter` is in seconds. */
export interface Failure {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly correlationId: string;
  readonly retryAfter: number | null;
  readonly errors: readonly { pointer: string; code: string; message: string }[];
}

/** A part of a page that is there, or says why it is not. */
export type Part<Data> =
  | { readonly state: "ready"; readonly value: Data }
  | { readonly state: "missing"; readonly failure: Failure };

/** The failure that an answer tells of, also where its body is no problem+json. */
export function failureOf(answer: Answer<unknown>): Failure {
  const { response } = answer;
  const problem = isProblem(answer.error) ? answer.error : null;
  const wait = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return {
    status: response.status,
    code: problem?.code ?? (response.status >= 500 ? "unavailable" : "unexpected"),
    detail: problem?.detail ?? "",
    correlationId: problem?.correlation_id ?? "",
    retryAfter: Number.isFinite(wait) ? wait : null,
    errors: problem?.errors ?? [],
  };
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "code" in body && "status" in body;
}

/** The data of an answer; a failure becomes the error page of the route. */
export function required<Data>(answer: Answer<Data>): Data {
  if (answer.response.ok) return answer.data as Data;
  const failure = failureOf(answer);
  throw data(failure, { status: failure.status });
}

/** The data of an answer, or what is missing: the rest of the page works without it. */
export function part<Data>(answer: Answer<Data>): Part<Data> {
  if (answer.response.ok) return { state: "ready", value: answer.data as Data };
  return { state: "missing", failure: failureOf(answer) };
}

/**
 * The messages of a form: by field, and the failure as a whole. `key` is the `Idempotency-Key` of
 * the next attempt, for forms that send one. `values` are what was sent, by field; a page that is
 * loaded anew by its form shows them again.
 */
export interface FormFailure {
  readonly failure: Failure;
  readonly fields: Readonly<Record<string, { code: string; message: string }>>;
  readonly key?: string;
  readonly values?: Values;
}

type Values = Readonly<Record<string, unknown>>;

/** Fields that a code of the API is about, where it names none: a wrong password, a taken name. */
type FieldsByCode = Readonly<Record<string, string>>;

/** The errors of a form; each lands at the field that its JSON Pointer or `byCode` names. */
export function formFailure(answer: Answer<unknown>, byCode: FieldsByCode = {}): FormFailure {
  const failure = failureOf(answer);
  const fields: Record<string, { code: string; message: string }> = {};
  const about = Object.hasOwn(byCode, failure.code) ? byCode[failure.code] : undefined;
  if (about) fields[about] = { code: failure.code, message: failure.detail };
  for (const { pointer, code, message } of failure.errors) {
    const field = pointer.split("/")[1] ?? "";
    fields[field] ??= { code, message };
  }
  return { failure, fields };
}

/** What an action answers to a refused form: its failure with the status of the API. */
export function refused(
  answer: Answer<unknown>,
  options: { readonly byCode?: FieldsByCode; readonly values?: Values } = {},
) {
  const outcome = formFailure(answer, options.byCode);
  const { values } = options;
  return data({ ...outcome, ...(values && { values }) }, { status: outcome.failure.status });
}

/** `refused` for a form that was sent with the `Idempotency-Key` `key`. */
export function refusedWithKey(answer: Answer<unknown>, key: string, values: Values = {}) {
  const outcome = formFailure(answer);
  const { status } = outcome.failure;
  return data({ ...outcome, values, key: nextKey(outcome.failure, key) }, { status });
}

/**
 * The API stores a refusal by its key, so the corrected form needs another one. Where it is not
 * known whether the request was carried out, only the same key keeps a repeat from doing it twice.
 */
function nextKey({ status, code }: Failure, key: string): string {
  const open = status >= 500 || status === 429 || code === "request_in_progress";
  return open ? key : crypto.randomUUID();
}
