/** The library: search, categories, favourites and the cards of the tools. */
import { useFormat, useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import type { Part, Schema } from "@tools-dashboard/front-kit/server/index.ts";
import {
  Badge,
  Button,
  EmptyState,
  Pagination,
  PartView,
  SearchIcon,
  StarIcon,
  ToolIcon,
} from "@tools-dashboard/front-kit/ui/index.ts";
import type { ReactNode } from "react";
import { Form, Link, useFetcher, useSearchParams } from "react-router";

import { texts } from "../texts.ts";

type ToolCard = Schema<"ToolCard">;

/** `launch` makes the button that opens a tool. */
export function Library(props: {
  readonly tools: Part<Schema<"ToolPage">>;
  readonly launch: (tool: ToolCard) => ReactNode;
}) {
  const t = useTexts(texts);
  const [params] = useSearchParams();
  const filtered = ["search", "category", "favourite"].some((name) => params.has(name));
  return (
    <PartView part={props.tools}>
      {({ items, next }) => (
        <>
          {items.length === 0 && filtered && (
            <EmptyState title={t.nothingFoundTitle}>
              <p>
                {t.nothingFound} <Link to="/">{t.showAll}</Link>.
              </p>
            </EmptyState>
          )}
          {items.length === 0 && !filtered && (
            <EmptyState title={t.noneTitle}>
              <p>{t.none}</p>
            </EmptyState>
          )}
          <ul className="grid-cards" role="list" aria-label={t.list}>
            {items.map((tool) => (
              <li key={tool.id}>
                <ToolCardView tool={tool} launch={props.launch(tool)} />
              </li>
            ))}
          </ul>
          <Pagination next={next} label={t.pages} />
        </>
      )}
    </PartView>
  );
}

/** The form that searches; the category and the favourites of the address are kept. */
export function SearchTools() {
  const t = useTexts(texts);
  const [params] = useSearchParams();
  const kept = ["category", "favourite"].filter((name) => params.has(name));
  const search = params.get("search") ?? "";
  return (
    <Form method="get" role="search" className="search" action="/?index">
      {kept.map((name) => (
        <input key={name} type="hidden" name={name} value={params.get(name) ?? ""} />
      ))}
      <input
        key={search}
        className="input"
        type="search"
        name="search"
        aria-label={t.search}
        placeholder={t.search}
        defaultValue={search}
        maxLength={100}
      />
      <Button type="submit" aria-label={t.searchButton}>
        <span className="button-icon">
          <SearchIcon />
        </span>
      </Button>
    </Form>
  );
}

/** Links that narrow the library to favourites or to a category. */
export function ToolFilters(props: { readonly categories: Part<Schema<"ToolCategories">> }) {
  const t = useTexts(texts);
  const [params] = useSearchParams();
  const search = params.get("search");
  const category = params.get("category");
  const favourite = params.has("favourite");
  const link = (filter: Record<string, string>): string => {
    const query = new URLSearchParams({ ...(search && { search }), ...filter });
    return query.size ? `/?${query}` : "/";
  };
  const chip = (to: string, text: string, current: boolean) => (
    <li key={to}>
      <Link className="chip" to={to} aria-current={current || undefined} preventScrollReset>
        {text}
      </Link>
    </li>
  );
  return (
    <nav aria-label={t.categories}>
      <ul className="chips" role="list">
        {chip(link({}), t.allCategories, !category && !favourite)}
        {chip(link({ favourite: "1" }), t.favourites, favourite)}
        {props.categories.state === "ready" &&
          props.categories.value.items.map((it) => chip(link({ category: it }), it, it === category))}
      </ul>
    </nav>
  );
}

function ToolCardView(props: { readonly tool: ToolCard; readonly launch: ReactNode }) {
  const { tool, launch } = props;
  const t = useTexts(texts);
  const format = useFormat();
  return (
    <article className="card tool-card">
      <div className="tool-card-head">
        <ToolIcon icon={tool.icon} name={tool.name} />
        <div>
          <h2>{tool.name}</h2>
          <Badge>{tool.category}</Badge>
        </div>
        <FavouriteButton tool={tool} />
      </div>
      <p className="tool-card-summary">{tool.summary}</p>
      <div className="tool-card-foot">
        <span className="small soft">
          {tool.launches ? t.launches(tool.launches, format.number(tool.launches)) : t.neverLaunched}
        </span>
        {launch}
      </div>
    </article>
  );
}

/** Shows what was asked for at once; the answer of the API decides. */
function FavouriteButton(props: { readonly tool: ToolCard }) {
  const { tool } = props;
  const t = useTexts(texts);
  const [params] = useSearchParams();
  const fetcher = useFetcher({ key: `favourite-${tool.id}` });
  const asked = fetcher.formData?.get("favourite");
  const favourite = asked ? asked === "true" : tool.favourite;
  const here = new URLSearchParams(params);
  here.set("index", "");
  return (
    <fetcher.Form method="post" action={`/?${here}`}>
      <input type="hidden" name="tool_id" value={tool.id} />
      <input type="hidden" name="favourite" value={String(!favourite)} />
      <button
        type="submit"
        className="icon-button favourite"
        aria-pressed={favourite}
        aria-label={favourite ? t.removeFavourite(tool.name) : t.addFavourite(tool.name)}
      >
        <StarIcon filled={favourite} />
      </button>
    </fetcher.Form>
  );
}
