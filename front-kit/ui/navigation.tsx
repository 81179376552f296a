/** Ways through pages: tabs, pages of a list, the bar of a navigation under way. */
import type { ReactNode } from "react";
import { Link, useLocation, useNavigation, useSearchParams } from "react-router";

import { useTexts } from "../i18n/react.tsx";
import { kitTexts } from "../i18n/kit.ts";

interface Tab {
  readonly to: string;
  readonly text: ReactNode;
  /** Whether it is the current one, where the path alone does not tell. */
  readonly current?: boolean;
}

/** Links between pages of one subject; `side` puts them at the side where the page is wide. */
export function Tabs(props: {
  readonly label: string;
  readonly items: readonly Tab[];
  readonly side?: boolean;
}) {
  const { pathname } = useLocation();
  return (
    <nav className="tabs" data-side={props.side || undefined} aria-label={props.label}>
      {props.items.map(({ to, text, current = to === pathname }) => (
        <Link key={to} to={to} aria-current={current ? "page" : undefined}>
          {text}
        </Link>
      ))}
    </nav>
  );
}

/** To the next page of a list by its `next`, and back to the first. Other parameters are kept. */
export function Pagination(props: { readonly next: string | null; readonly label: string }) {
  const [params] = useSearchParams();
  const t = useTexts(kitTexts);
  if (!props.next && !params.has("before")) return null;
  const withBefore = (before: string | null): string => {
    const other = new URLSearchParams(params);
    if (before) other.set("before", before);
    else other.delete("before");
    return `?${other}`;
  };
  return (
    <nav className="row" aria-label={props.label}>
      {params.has("before") && (
        <Link className="button" to={withBefore(null)}>
          {t.firstPage}
        </Link>
      )}
      {props.next && (
        <Link className="button" to={withBefore(props.next)}>
          {t.next}
        </Link>
      )}
    </nav>
  );
}

/** Shows that the next page is on its way. */
export function BusyBar() {
  const { state } = useNavigation();
  return state === "idle" ? null : <div className="busy-bar" aria-hidden="true" />;
}
