/** The bell: how many notifications are unread. */
import { Link } from "react-router";

import { useTexts } from "../i18n/react.tsx";
import { kitTexts } from "../i18n/kit.ts";
import { BellIcon } from "./icons.tsx";

/** `unread` is null where the count is not known at present. */
export function Bell(props: { readonly to: string; readonly unread: number | null }) {
  const { to, unread } = props;
  const t = useTexts(kitTexts);
  const label = unread ? `${t.notifications}, ${t.unread(unread)}` : t.notifications;
  return (
    <Link className="icon-button" to={to} aria-label={label}>
      <BellIcon />
      {unread ? (
        <span className="bell-count" aria-hidden="true">
          {unread > 99 ? "99+" : unread}
        </span>
      ) : null}
    </Link>
  );
}
