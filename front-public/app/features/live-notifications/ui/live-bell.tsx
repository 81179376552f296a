/** The bell that rings: unread notifications, toasts of new ones, and whether the page is live. */
import { ConnectionState, readOwn, useLive } from "@tools-dashboard/front-kit/live/react.tsx";
import type { LiveEvent } from "@tools-dashboard/front-kit/live/connection.ts";
import type { Schema } from "@tools-dashboard/front-kit/server/contract.ts";
import { Bell, ToastRegion, useToasts } from "@tools-dashboard/front-kit/ui/index.ts";
import { useEffect, useRef, useState } from "react";
import { useRevalidator } from "react-router";

/** The count of the API follows an event a moment later. */
const REREAD_SECONDS = 1.5;

/** `unread` is what the API counted last, null where it can't count at present. */
export function LiveBell(props: { readonly unread: number | null; readonly socketUrl: string }) {
  const { unread, socketUrl } = props;
  const { revalidate } = useRevalidator();
  const show = useToasts((state) => state.show);
  const [arrived, setArrived] = useState(0);
  const [counted, setCounted] = useState(unread);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  if (counted !== unread) {
    setCounted(unread);
    setArrived(0);
  }
  useEffect(() => () => clearTimeout(timer.current), []);

  const reread = (): void => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      void revalidate().then(() => setArrived(0));
    }, REREAD_SECONDS * 1000);
  };
  const onEvent = (event: LiveEvent): void => {
    if (event.event_type === "notification.created") {
      const created = event.payload as unknown as Schema<"NotificationCreated">;
      show({ id: created.id, title: created.title, body: created.body });
      setArrived((count) => count + 1);
    }
    if (event.event_type.startsWith("notification.")) reread();
  };
  /** What was created after the page was made and before the socket was open did not come over it. */
  const onBegin = (): void => {
    timer.current = setTimeout(() => {
      void readOwn<{ unread: number | null }>("/app/live/unread").then((now) => {
        if (now && now.unread !== null && now.unread !== unread) void revalidate();
      });
    }, REREAD_SECONDS * 1000);
  };
  useLive({ socketUrl, ticketPath: "/app/live/ticket", onEvent, onBegin, onResync: reread });
  return (
    <>
      <ConnectionState />
      <Bell to="/notifications" unread={unread === null ? arrived || null : unread + arrived} />
      <ToastRegion />
    </>
  );
}
