/** Pacts of a front (https://docs.pact.io): its loaders and actions call Pact's mock server. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { makeConsumerPact } from "@pact-foundation/pact-core";
import { expect } from "vitest";

import type { Fetch } from "../server/api.ts";
import { Browser, loggedIn } from "./gateway.ts";

// Pact's core reports its use to Google Analytics unless this variable is set.
process.env["PACT_DO_NOT_TRACK"] = "true";

const FOLDER = new URL("../../tests/contracts/pacts/", import.meta.url);
const VERSION_4 = 5; // of the specification, as Pact's core counts
const REQUEST = 0;
const UUID_FORM = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const INSTANT_FORM = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|\+00:00)$/;

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Exactly this value inside of an example, where otherwise its type and form count. */
export class Exactly {
  readonly value: Json;

  constructor(value: Json) {
    this.value = value;
  }
}

type Example = Json | Exactly | readonly Example[] | { readonly [name: string]: Example };

/**
 * A request and what is read of its answer. `asks` is method, path and query, `sends` an example of
 * the whole body, `body` one of the fields that the front reads; `given` names a provider state.
 */
export interface Interaction {
  readonly description: string;
  readonly given?: string;
  /** Asked by somebody who is not logged in. */
  readonly visitor?: boolean;
  readonly asks: string;
  readonly sends?: Example;
  /** Sent with an `Idempotency-Key`. */
  readonly repeatable?: boolean;
  readonly status: number;
  readonly body?: Example;
}

/** A refusal with this very code, by problem details (RFC 9457). */
export function refusal(status: number, code: string, fields: Readonly<Record<string, Example>> = {}) {
  const problem = {
    type: "urn:tools-dashboard:problem",
    title: "what kind of refusal",
    status: new Exactly(status),
    detail: "why",
    code: new Exactly(code),
    correlation_id: "any",
    ...fields,
  };
  return { status, body: problem };
}

/**
 * What a front sends to `provider` and reads of it, against the committed pact; WRITE_PACTS=1
 * writes that instead. `./dev test` of the provider verifies it.
 */
export class FrontPact {
  readonly #parties: readonly [string, string];
  readonly #said = new Map<string, unknown>();

  constructor(consumer: string, provider: string) {
    this.#parties = [consumer, provider];
  }

  /** Run `act` in a browser whose gateway answers these calls alone; an error where one differs. */
  async exchange<Result>(
    interactions: readonly Interaction[],
    act: (browser: Browser) => Promise<Result>,
  ): Promise<Result> {
    const pact = makeConsumerPact(...this.#parties, VERSION_4, "error");
    for (const it of interactions) describe(pact.newInteraction(it.description), it);
    const port = pact.createMockServer("127.0.0.1");
    try {
      const outcome = await settled(act(await browserAt(port, !interactions[0]?.visitor)));
      // A mismatch says more than what the front makes of the mock server's refusal.
      if (!pact.mockServerMatchedSuccessfully(port)) {
        throw new Error(JSON.stringify(pact.mockServerMismatches(port), null, 2));
      }
      const result = outcome();
      this.#remember(pact.writePactFile.bind(pact));
      return result;
    } finally {
      pact.cleanupMockServer(port);
    }
  }

  /** To be called by the last test: the committed pact has no interaction that no test says. */
  finish(): void {
    const [consumer, provider] = this.#parties;
    if (process.env["WRITE_PACTS"]) {
      const document = {
        consumer: { name: consumer },
        provider: { name: provider },
        interactions: [...this.#said.keys()].sort().map((name) => this.#said.get(name)),
        metadata: { pactSpecification: { version: "4.0" } },
      };
      writeFileSync(this.#file, `${JSON.stringify(sorted(document), null, 2)}\n`);
    }
    expect([...this.#committed().keys()].sort()).toEqual([...this.#said.keys()].sort());
  }

  #remember(write: (folder: string, overwrite: boolean) => unknown): void {
    const folder = mkdtempSync(join(tmpdir(), "pact-"));
    try {
      write(folder, true);
      const [name = ""] = readdirSync(folder);
      for (const [description, it] of interactionsIn(join(folder, name))) {
        if (this.#said.has(description)) throw new Error(`two interactions are called ${description}`);
        this.#said.set(description, it);
        if (!process.env["WRITE_PACTS"]) expect(it).toEqual(this.#committed().get(description));
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  #committed(): Map<string, unknown> {
    return interactionsIn(this.#file);
  }

  get #file(): URL {
    return new URL(`${this.#parties.join("-")}.json`, FOLDER);
  }
}

type Described = ReturnType<ReturnType<typeof makeConsumerPact>["newInteraction"]>;

function describe(described: Described, it: Interaction): void {
  const [method = "", address = ""] = it.asks.split(" ");
  const { pathname, searchParams } = new URL(address, "http://gateway");
  if (it.given) described.given(it.given);
  described.withRequest(method, pathname);
  for (const [name, value] of searchParams) described.withQuery(name, 0, value);
  const header = (name: string, value: string, regex: string): void => {
    described.withRequestHeader(name, REQUEST, JSON.stringify(matching(value, regex)));
  };
  if (!it.visitor) header("Authorization", "Bearer token", String.raw`^Bearer \S+$`);
  if (it.repeatable) header("Idempotency-Key", "key", ".+");
  if (it.sends !== undefined) described.withRequestBody(JSON.stringify(like(it.sends)), "application/json");
  described.withStatus(it.status);
  if (it.body !== undefined) {
    const media = it.status < 400 ? "application/json" : "application/problem+json";
    described.withResponseBody(JSON.stringify(like(it.body)), media);
  }
}

/** Matchers of types and forms: an id stands for every id, a list for one or more like its first. */
function like(example: Example): unknown {
  if (example === null) return null;
  if (example instanceof Exactly) return example.value;
  if (Array.isArray(example)) {
    return example.length === 0 ? [] : { "pact:matcher:type": "type", value: [like(example[0] as Example)], min: 1 };
  }
  if (typeof example === "object") {
    return Object.fromEntries(Object.entries(example).map(([name, it]) => [name, like(it as Example)]));
  }
  for (const form of [UUID_FORM, INSTANT_FORM]) {
    if (typeof example === "string" && form.test(example)) return matching(example, form.source);
  }
  return { "pact:matcher:type": Number.isInteger(example) ? "integer" : "type", value: example };
}

function matching(value: string, regex: string) {
  return { "pact:matcher:type": "regex", value, regex };
}

function browserAt(port: number, hasSession: boolean): Browser | Promise<Browser> {
  const send: Fetch = (request) => {
    const { pathname, search } = new URL(request.url);
    return fetch(new Request(`http://127.0.0.1:${port}${pathname}${search}`, request));
  };
  return hasSession ? loggedIn({ send }) : new Browser({ send });
}

async function settled<Result>(run: Promise<Result>): Promise<() => Result> {
  try {
    const result = await run;
    return () => result;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function interactionsIn(file: string | URL): Map<string, unknown> {
  try {
    const { interactions } = JSON.parse(readFileSync(file, "utf8")) as {
      interactions: { description: string }[];
    };
    return new Map(interactions.map((it) => [it.description, it]));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw error;
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([name, it]) => [name, sorted(it)]));
}
