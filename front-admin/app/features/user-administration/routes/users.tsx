/** The list of users: search, filter by role and status, page. */
import { useFormat, useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { required, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import {
  Badge,
  EmptyState,
  PageHead,
  Pagination,
  Row,
  SelectField,
  Table,
  TextField,
} from "@tools-dashboard/front-kit/ui/index.ts";
import { Link } from "react-router";

import { chosen } from "../../../query.ts";
import { Filters } from "../../../ui/filters.tsx";
import { ROLES, STATUSES } from "../choices.ts";
import { texts } from "../texts.ts";
import type { Route } from "./+types/users.ts";

export async function loader({ request, context }: Route.LoaderArgs) {
  const { session } = visitorOf(context);
  const params = new URL(request.url).searchParams;
  const filter = {
    search: params.get("search") || null,
    role: chosen(ROLES, params.get("role")),
    status: chosen(STATUSES, params.get("status")),
  };
  const query = { ...filter, before: params.get("before") };
  const page = required(await session.api.GET("/api/admin/users", { params: { query } }));
  return { filter, page };
}

export default function Users({ loaderData }: Route.ComponentProps) {
  const { filter, page } = loaderData;
  const t = useTexts(texts);
  const format = useFormat();
  return (
    <div className="stack">
      <PageHead title={t.users} />
      <Filters label={t.filter} submit={t.apply}>
        <TextField name="search" type="search" label={t.search} defaultValue={filter.search ?? ""} />
        <SelectField name="role" label={t.role} defaultValue={filter.role ?? ""}>
          <option value="">{t.all}</option>
          {ROLES.map((role) => (
            <option key={role} value={role}>
              {t.roles[role]}
            </option>
          ))}
        </SelectField>
        <SelectField name="status" label={t.status} defaultValue={filter.status ?? ""}>
          <option value="">{t.all}</option>
          {STATUSES.map((status) => (
            <option key={status} value={status}>
              {t.statuses[status]}
            </option>
          ))}
        </SelectField>
      </Filters>
      {page.items.length === 0 ? (
        <EmptyState title={t.none}>
          <p>{t.noneText}</p>
        </EmptyState>
      ) : (
        <Table caption={t.users} head={[t.email, t.name, t.role, t.status, t.since]}>
          {page.items.map((user) => (
            <Row key={user.id}>
              <th scope="row" className="address">
                <Link to={`/users/${user.id}`}>
                  <Address text={user.email} />
                </Link>
              </th>
              <td>{user.display_name ?? <span className="soft">{t.noName}</span>}</td>
              <td>
                <Badge kind={user.role === "admin" ? "accent" : "neutral"}>
                  {t.roles[user.role]}
                </Badge>
              </td>
              <td>
                <Badge kind={user.status === "active" ? "success" : "danger"}>
                  {t.statuses[user.status]}
                </Badge>
              </td>
              <td className="moment">{format.day(user.created_at)}</td>
            </Row>
          ))}
        </Table>
      )}
      <Pagination next={page.next} label={t.pages} />
    </div>
  );
}

/** A mail address that breaks behind its `@` where it has to. */
function Address(props: { readonly text: string }) {
  const { text } = props;
  const domain = text.lastIndexOf("@") + 1;
  return (
    <>
      {text.slice(0, domain)}
      <wbr />
      {text.slice(domain)}
    </>
  );
}
