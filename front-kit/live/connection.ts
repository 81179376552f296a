/** A WebSocket that reconnects and resumes, as the contract `live-notifications` describes. */
import type { Schema } from "../server/contract.ts";

export type LiveEvent = Schema<"EventEnvelope">;
export type LiveState = "connecting" | "live" | "reconnecting" | "offline" | "ended";

/** As `since`: tell the position from which to resume before the first event. */
const NOTHING_SEEN = "00000000-0000-0000-0000-000000000000";
const SESSION_ENDED = 4401;
const FIRST_PAUSE_SECONDS = 0.5;
const LONGEST_PAUSE_SECONDS = 20;
const SEEN_KEPT = 500;

/** A ticket, that the session has ended, or that none is to be had at present. */
export type Ticket = { readonly ticket: string } | "ended" | "unavailable";

/** The parts of a WebSocket that are used. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: ((close: { code: number }) => void) | null;
  close(): void;
}

export interface LiveOptions {
  /** Address of the socket, without a query. */
  readonly url: string;
  readonly ticket: () => Promise<Ticket>;
  readonly open: (url: string) => Socket;
  readonly onEvent: (event: LiveEvent) => void;
  /** Events arrive from here on: what happened since the page was made may be missing. */
  readonly onBegin?: () => void;
  /** Events may be missing: read again what is shown. */
  readonly onResync: () => void;
  readonly onState: (state: LiveState) => void;
  readonly isOnline?: () => boolean;
  readonly random?: () => number;
}

export class LiveConnection {
  readonly #options: LiveOptions;
  readonly #seen = new Set<string>();
  #since = NOTHING_SEEN;
  #socket: Socket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pause = FIRST_PAUSE_SECONDS;
  #hint: number | null = null;
  #stopped = false;
  #attempt = 0;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  start(): void {
    this.#options.onState("connecting");
    void this.#connect();
  }

  /** Close the socket for good. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#drop();
  }

  /** The browser has a network again: don't wait. */
  online(): void {
    if (this.#stopped || this.#socket) return;
    clearTimeout(this.#timer);
    this.#pause = FIRST_PAUSE_SECONDS;
    this.#options.onState("reconnecting");
    void this.#connect();
  }

  /** The browser has lost its network. */
  offline(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#drop();
    this.#options.onState("offline");
  }

  async #connect(): Promise<void> {
    const attempt = ++this.#attempt;
    const ticket = await this.#options.ticket();
    if (this.#stopped || attempt !== this.#attempt) return;
    if (ticket === "ended") {
      this.#end();
      return;
    }
    if (ticket === "unavailable") {
      this.#again();
      return;
    }
    const query = new URLSearchParams({ ticket: ticket.ticket, since: this.#since });
    const socket = this.#options.open(`${this.#options.url}?${query}`);
    this.#socket = socket;
    this.#hint = null;
    socket.onopen = () => {
      this.#pause = FIRST_PAUSE_SECONDS;
      this.#options.onState("live");
    };
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = ({ code }) => {
      this.#socket = null;
      if (code === SESSION_ENDED) this.#end();
      else this.#again();
    };
  }

  #received(data: unknown): void {
    const event = eventOf(data);
    if (!event) return;
    switch (event.event_type) {
      case "notifications.opened":
        this.#since = event.event_id;
        this.#options.onBegin?.();
        return;
      case "notifications.resync":
        this.#options.onResync();
        return;
      case "notifications.reconnect":
        this.#hint = Number(event.payload["after_seconds"]) || 0;
        return;
    }
    this.#since = event.event_id;
    if (this.#seen.has(event.event_id)) return;
    this.#seen.add(event.event_id);
    if (this.#seen.size > SEEN_KEPT) {
      const [oldest = ""] = this.#seen;
      this.#seen.delete(oldest);
    }
    this.#options.onEvent(event);
  }

  #again(): void {
    if (this.#stopped) return;
    const { isOnline = () => true, random = Math.random } = this.#options;
    if (!isOnline()) {
      this.#options.onState("offline");
      return;
    }
    this.#options.onState("reconnecting");
    const jittered = this.#pause * (0.5 + random() / 2);
    const seconds = this.#hint ?? jittered;
    this.#hint = null;
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE_SECONDS);
    this.#timer = setTimeout(() => void this.#connect(), seconds * 1000);
  }

  #end(): void {
    this.#stopped = true;
    this.#drop();
    this.#options.onState("ended");
  }

  #drop(): void {
    this.#attempt += 1;
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}

function eventOf(data: unknown): LiveEvent | null {
  if (typeof data !== "string") return null;
  try {
    const event = JSON.parse(data) as Partial<LiveEvent>;
    return event.event_id && event.event_type && event.payload ? (event as LiveEvent) : null;
  } catch {
    return null;
  }
}
