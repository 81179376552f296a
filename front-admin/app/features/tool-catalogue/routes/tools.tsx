/** The catalogue of tools: search, page. */
import { useFormat, useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { required, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import {
  Badge,
  ButtonLink,
  EmptyState,
  Notice,
  PageHead,
  Pagination,
  Row,
  Table,
  TextField,
} from "@tools-dashboard/front-kit/ui/index.ts";
import { Link } from "react-router";

import { Filters } from "../../../ui/filters.tsx";
import { texts } from "../texts.ts";
import type { Route } from "./+types/tools.ts";

export async function loader({ request, context }: Route.LoaderArgs) {
  const { session } = visitorOf(context);
  const params = new URL(request.url).searchParams;
  const filter = {
    search: params.get("search") || null,
    category: params.get("category") || null,
  };
  const query = { ...filter, before: params.get("before") };
  const page = required(await session.api.GET("/api/admin/tools", { params: { query } }));
  return { filter, page, removed: params.has("removed") };
}

export default function Tools({ loaderData }: Route.ComponentProps) {
  const { filter, page, removed } = loaderData;
  const t = useTexts(texts);
  const format = useFormat();
  return (
    <div className="stack">
      <PageHead title={t.tools} lead={t.lead}>
        <ButtonLink to="/tools/new" kind="primary">
          {t.add}
        </ButtonLink>
      </PageHead>
      {removed && (
        <Notice kind="success" role="status">
          <p>{t.removed}</p>
        </Notice>
      )}
      <Filters label={t.filter} submit={t.apply}>
        <TextField name="search" type="search" label={t.search} defaultValue={filter.search ?? ""} />
        <TextField name="category" label={t.category} defaultValue={filter.category ?? ""} />
      </Filters>
      {page.items.length === 0 ? (
        <EmptyState title={t.none}>
          <p>{t.noneText}</p>
        </EmptyState>
      ) : (
        <Table caption={t.tools} head={[t.name, t.category, t.access, t.launches, t.changed]}>
          {page.items.map((tool) => (
            <Row key={tool.id}>
              <th scope="row">
                <Link to={`/tools/${tool.id}`}>{tool.name}</Link>
              </th>
              <td>{tool.category}</td>
              <td>
                <Badge kind={tool.access === "all" ? "neutral" : "warning"}>
                  {t.accesses[tool.access]}
                </Badge>
              </td>
              <td className="number">{format.number(tool.launches)}</td>
              <td className="moment">{format.moment(tool.updated_at)}</td>
            </Row>
          ))}
        </Table>
      )}
      <Pagination next={page.next} label={t.pages} />
    </div>
  );
}
