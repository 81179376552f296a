/** What holds content: cards, notices, badges, empty states, tables, facts. */
import { Children, cloneElement, createContext, isValidElement, use } from "react";
import type { ReactElement, ReactNode } from "react";

type Kind = "neutral" | "accent" | "success" | "warning" | "danger";

export function Card(props: { readonly children: ReactNode; readonly label?: string }) {
  return (
    <section className="card" aria-label={props.label}>
      {props.children}
    </section>
  );
}

/** A message in the page. `role` is `alert` for what has to interrupt, `status` for news. */
export function Notice(props: {
  readonly kind?: Kind;
  readonly role?: "alert" | "status";
  readonly children: ReactNode;
}) {
  return (
    <div className="notice" data-kind={props.kind ?? "accent"} role={props.role}>
      {props.children}
    </div>
  );
}

export function Badge(props: { readonly kind?: Kind; readonly children: ReactNode }) {
  return (
    <span className="badge" data-kind={props.kind ?? "neutral"}>
      {props.children}
    </span>
  );
}

/** What stands where a list would, when it is empty. */
export function EmptyState(props: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="empty">
      <h2>{props.title}</h2>
      {props.children}
    </div>
  );
}

/** Terms and what they are: pairs of texts. */
export function Facts(props: { readonly items: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="facts">
      {props.items.map(([term, what]) => (
        <Fact key={term} term={term} what={what} />
      ))}
    </dl>
  );
}

function Fact(props: { readonly term: string; readonly what: ReactNode }) {
  return (
    <>
      <dt>{props.term}</dt>
      <dd>{props.what}</dd>
    </>
  );
}

const HeadContext = createContext<readonly string[]>([]);

/**
 * A table of `Row`s, which stand as blocks where the page is narrow; of `tr`s, it scrolls by itself.
 * The roles are written out because a table that is shown as blocks loses its own.
 */
export function Table(props: {
  readonly caption: string;
  readonly head: readonly string[];
  readonly children: ReactNode;
}) {
  return (
    <div className="table-scroll" role="region" aria-label={props.caption} tabIndex={0}>
      <table className="table" role="table">
        <caption className="visually-hidden">{props.caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {props.head.map((name) => (
              <th key={name} scope="col" role="columnheader">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          <HeadContext value={props.head}>{props.children}</HeadContext>
        </tbody>
      </table>
    </div>
  );
}

/** A row of a table: a `th` or `td` for each name in the head. */
export function Row(props: { readonly children: ReactNode }) {
  const head = use(HeadContext);
  return (
    <tr role="row" className="table-block">
      {Children.map(props.children, (cell, index) =>
        isValidElement(cell)
          ? cloneElement(cell as ReactElement<Record<string, unknown>>, {
              role: cell.type === "th" ? "rowheader" : "cell",
              "data-label": head[index],
            })
          : cell,
      )}
    </tr>
  );
}

/** A share of a whole, in percent. */
export function Progress(props: { readonly label: string; readonly percent: number }) {
  return <progress className="progress" aria-label={props.label} max={100} value={props.percent} />;
}
