/** The live connection of a page, and its state for components. */
import { useEffect, useRef } from "react";
import { create } from "zustand";

import { useTexts } from "../i18n/react.tsx";
import { kitTexts } from "../i18n/kit.ts";
import { LiveConnection } from "./connection.ts";
import type { LiveEvent, LiveState, Socket, Ticket } from "./connection.ts";

/** A break that is shorter is not shown. */
const SHOWN_AFTER_SECONDS = 3;

interface LiveStore {
  readonly state: LiveState;
  readonly set: (state: LiveState) => void;
}

export const useLiveState = create<LiveStore>()((set) => ({
  state: "connecting",
  set: (state) => set({ state }),
}));

/** `ticketPath` is the front's resource route for tickets, `socketUrl` the socket of the gateway. */
export function useLive(options: {
  readonly socketUrl: string;
  readonly ticketPath: string;
  readonly onEvent: (event: LiveEvent) => void;
  readonly onBegin?: () => void;
  readonly onResync: () => void;
}): void {
  const { socketUrl, ticketPath } = options;
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });
  useEffect(() => {
    const show = useLiveState.getState().set;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const connection = new LiveConnection({
      url: socketUrl,
      ticket: () => ticketFrom(ticketPath),
      open: (url) => new WebSocket(url) as Socket,
      onEvent: (event) => latest.current.onEvent(event),
      onBegin: () => latest.current.onBegin?.(),
      onResync: () => latest.current.onResync(),
      onState: (state) => {
        clearTimeout(timer);
        if (state === "reconnecting") {
          timer = setTimeout(() => show(state), SHOWN_AFTER_SECONDS * 1000);
        } else show(state);
      },
      isOnline: () => navigator.onLine,
    });
    const online = (): void => connection.online();
    const offline = (): void => connection.offline();
    window.addEventListener("online", online);
    window.addEventListener("offline", offline);
    connection.start();
    return () => {
      window.removeEventListener("online", online);
      window.removeEventListener("offline", offline);
      clearTimeout(timer);
      connection.stop();
    };
  }, [socketUrl, ticketPath]);
}

async function ticketFrom(path: string): Promise<Ticket> {
  try {
    const answer = await fetch(path, { method: "POST" });
    if (answer.status === 401) return "ended";
    if (!answer.ok) return "unavailable";
    return (await answer.json()) as { ticket: string };
  } catch {
    return "unavailable";
  }
}

/** What a resource route of this front answers, null where it can't. */
export async function readOwn<Body>(path: string): Promise<Body | null> {
  try {
    const answer = await fetch(path);
    return answer.ok ? ((await answer.json()) as Body) : null;
  } catch {
    return null;
  }
}

/** Says when the page is not live; where it is, only with `always`. */
export function ConnectionState(props: { readonly always?: boolean }) {
  const state = useLiveState((store) => store.state);
  const t = useTexts(kitTexts);
  const shown = props.always || state === "reconnecting" || state === "offline" || state === "ended";
  return (
    <span role="status">
      {shown && (
        <span className="connection scripted" data-state={state}>
          {t.connection[state]}
        </span>
      )}
    </span>
  );
}
