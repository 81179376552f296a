/** The audit log, of everybody or of one user. */
import { useFormat, useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { required, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import {
  EmptyState,
  PageHead,
  Pagination,
  Row,
  Table,
  TextField,
} from "@tools-dashboard/front-kit/ui/index.ts";
import { Link } from "react-router";

import { Coded, textOf } from "../../../ui/coded.tsx";
import { eventTexts } from "../../../ui/event-texts.ts";
import { Filters } from "../../../ui/filters.tsx";
import { Json } from "../../../ui/json.tsx";
import { texts } from "../texts.ts";
import type { Route } from "./+types/audit.ts";

export async function loader({ request, context }: Route.LoaderArgs) {
  const { session } = visitorOf(context);
  const params = new URL(request.url).searchParams;
  const user_id = params.get("user_id")?.trim() || null;
  const query = { user_id, before: params.get("before") };
  const page = required(await session.api.GET("/api/admin/audit", { params: { query } }));
  return { user_id, page };
}

export default function Audit({ loaderData }: Route.ComponentProps) {
  const { user_id, page } = loaderData;
  const t = useTexts(texts);
  const types = useTexts(eventTexts);
  const format = useFormat();
  return (
    <div className="stack">
      <PageHead title={t.audit} lead={t.lead} />
      <Filters label={t.filter} submit={t.apply}>
        <TextField
          name="user_id"
          label={t.user}
          defaultValue={user_id ?? ""}
          pattern="[0-9a-fA-F\-]{32,36}"
        />
      </Filters>
      {page.items.length === 0 ? (
        <EmptyState title={t.none}>
          <p>{t.noneText}</p>
        </EmptyState>
      ) : (
        <Table caption={t.audit} head={[t.time, t.what, t.who, t.details]}>
          {page.items.map((entry) => (
            <Row key={entry.event_id}>
              <td className="moment">{format.moment(entry.occurred_at)}</td>
              <th scope="row">
                <Coded text={textOf(types, entry.event_type)} code={entry.event_type} />
              </th>
              <td className="mono">
                {entry.user_id ? (
                  <Link to={`/users/${entry.user_id}`}>{entry.user_id.slice(0, 8)}</Link>
                ) : (
                  "–"
                )}
              </td>
              <td>
                <details>
                  <summary>{t.details}</summary>
                  <Json value={entry.payload} label={`${t.payload} ${entry.event_type}`} />
                </details>
              </td>
            </Row>
          ))}
        </Table>
      )}
      <Pagination next={page.next} label={t.pages} />
    </div>
  );
}
