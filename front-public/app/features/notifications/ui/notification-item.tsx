/** One notification in the list. */
import { useFormat, useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import type { Schema } from "@tools-dashboard/front-kit/server/contract.ts";
import { Badge, SubmitButton } from "@tools-dashboard/front-kit/ui/index.ts";
import { useFetcher } from "react-router";

import { texts } from "../texts.ts";

export function NotificationItem(props: { readonly item: Schema<"Notification"> }) {
  const { item } = props;
  const t = useTexts(texts);
  const format = useFormat();
  const fetcher = useFetcher();
  const busy = fetcher.state !== "idle";
  const unread = item.read_at === null && !busy;
  return (
    <li className="notification" data-unread={unread || undefined}>
      <div className="stack-small">
        <div className="row">
          <h2 className="notification-title">{item.title}</h2>
          {unread && <Badge kind="accent">{t.unread}</Badge>}
        </div>
        <p className="preserve-lines">{item.body}</p>
        <time className="small soft" dateTime={item.created_at}>
          {format.moment(item.created_at)}
        </time>
      </div>
      {item.read_at === null && (
        <fetcher.Form method="post">
          <input type="hidden" name="id" value={item.id} />
          <SubmitButton kind="quiet" size="small" busy={busy} aria-label={`${t.markRead}: ${item.title}`}>
            {t.markRead}
          </SubmitButton>
        </fetcher.Form>
      )}
    </li>
  );
}
