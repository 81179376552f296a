/** The live connection: it resumes, waits, and says what state it is in. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { LiveConnection } from "../live/connection.ts";
import type { LiveState, Socket, Ticket } from "../live/connection.ts";

class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: ((close: { code: number }) => void) | null = null;
  closed = false;
  readonly url: string;
  constructor(url: string) {
    this.url = url;
  }
  close(): void {
    this.closed = true;
  }
  event(id: string, type = "notification.created", payload: object = {}): void {
    this.onmessage?.({ data: JSON.stringify({ event_id: id, event_type: type, payload }) });
  }
}

function connected(ticket: () => Promise<Ticket> = async () => ({ ticket: "t" })) {
  const sockets: FakeSocket[] = [];
  const states: LiveState[] = [];
  const events: string[] = [];
  let resyncs = 0;
  const connection = new LiveConnection({
    url: "ws://gateway/ws/notifications",
    ticket,
    open: (url) => {
      const socket = new FakeSocket(url);
      sockets.push(socket);
      return socket;
    },
    onEvent: (event) => events.push(event.event_id),
    onResync: () => (resyncs += 1),
    onState: (state) => states.push(state),
    random: () => 1,
  });
  connection.start();
  return { connection, sockets, states, events, resyncs: () => resyncs };
}

const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a live connection", () => {
  test("asks for a position first, and resumes from the last event", async () => {
    const live = connected();
    await settled();
    expect(live.sockets[0]?.url).toContain("since=00000000-0000-0000-0000-000000000000");
    live.sockets[0]?.event("opened-1", "notifications.opened");
    live.sockets[0]?.event("e1");
    live.sockets[0]?.onclose?.({ code: 1006 });

    await vi.advanceTimersByTimeAsync(1000);

    expect(live.sockets[1]?.url).toContain("since=e1");
    live.sockets[1]?.event("e1");
    live.sockets[1]?.event("e2");
    expect(live.events).toEqual(["e1", "e2"]);
  });

  test("waits longer each time, and as long as the service says", async () => {
    const live = connected();
    await settled();
    live.sockets[0]?.event("r", "notifications.reconnect", { after_seconds: 4 });
    live.sockets[0]?.onclose?.({ code: 1012 });
    await vi.advanceTimersByTimeAsync(3900);
    expect(live.sockets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(live.sockets).toHaveLength(2);

    live.sockets[1]?.onclose?.({ code: 1006 });
    await vi.advanceTimersByTimeAsync(900);
    expect(live.sockets).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(200);
    expect(live.sockets).toHaveLength(3);
  });

  test("ends with the session, at the ticket and at the socket", async () => {
    const refused = connected(async () => "ended");
    const closed = connected();
    await settled();
    closed.sockets[0]?.onclose?.({ code: 4401 });
    await vi.advanceTimersByTimeAsync(60_000);

    expect(refused.states).toEqual(["connecting", "ended"]);
    expect(closed.states.at(-1)).toBe("ended");
    expect(closed.sockets).toHaveLength(1);
  });

  test("says when it is offline, and connects as soon as it is not", async () => {
    const live = connected();
    await settled();
    live.sockets[0]?.onopen?.();
    live.connection.offline();
    expect(live.sockets[0]?.closed).toBe(true);
    live.connection.online();
    await settled();
    live.sockets[1]?.onopen?.();

    expect(live.states).toEqual(["connecting", "live", "offline", "reconnecting", "live"]);
  });

  test("asks for a new reading where events may be missing", async () => {
    const live = connected();
    await settled();
    live.sockets[0]?.event("x", "notifications.resync");
    live.sockets[0]?.onmessage?.({ data: "no JSON" });

    expect(live.resyncs()).toBe(1);
    expect(live.events).toEqual([]);
  });

  test("opens nothing once it is stopped", async () => {
    const live = connected();
    live.connection.stop();
    await vi.advanceTimersByTimeAsync(60_000);

    expect(live.sockets).toHaveLength(0);
  });
});
