/** One user: role and status, each changed by a form that asks first. */
import { useFormat, useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { refused, required, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import {
  ApiForm,
  Badge,
  ButtonLink,
  Card,
  Facts,
  Notice,
  PageHead,
  SubmitButton,
} from "@tools-dashboard/front-kit/ui/index.ts";
import { Link, redirect } from "react-router";

import { chosen } from "../../../query.ts";
import { Confirm } from "../../../ui/confirm.tsx";
import { ROLES, STATUSES } from "../choices.ts";
import { texts } from "../texts.ts";
import type { Route } from "./+types/user.ts";

export async function loader({ request, params, context }: Route.LoaderArgs) {
  const { session } = visitorOf(context);
  const path = { user_id: params.userId };
  const user = required(await session.api.GET("/api/admin/users/{user_id}", { params: { path } }));
  const changed = new URL(request.url).searchParams.has("changed");
  return { user, own: session.user?.userId === user.id, changed };
}

export async function action({ request, params, context }: Route.ActionArgs) {
  const { session } = visitorOf(context);
  const form = await request.formData();
  const role = chosen(ROLES, form.get("role"));
  const status = chosen(STATUSES, form.get("status"));
  const answer = await session.api.PATCH("/api/admin/users/{user_id}", {
    params: { path: { user_id: params.userId } },
    body: { ...(role && { role }), ...(status && { status }) },
  });
  return answer.data ? redirect(`/users/${params.userId}?changed=1`) : refused(answer);
}

export default function User({ loaderData, actionData }: Route.ComponentProps) {
  const { user, own, changed } = loaderData;
  const t = useTexts(texts);
  const format = useFormat();
  const isAdmin = user.role === "admin";
  const isActive = user.status === "active";
  return (
    <div className="stack">
      <p>
        <Link to="/users">{t.back}</Link>
      </p>
      <PageHead title={user.email} lead={user.display_name ?? t.noName}>
        <ButtonLink to={`/users/${user.id}/notify`} kind="primary">
          {t.notify}
        </ButtonLink>
        <ButtonLink to={`/audit?user_id=${user.id}`}>{t.audit}</ButtonLink>
      </PageHead>
      {changed && !actionData && (
        <Notice kind="success" role="status">
          <p>{t.changed}</p>
        </Notice>
      )}
      <Card>
        <Facts
          items={[
            [t.role, <Badge kind={isAdmin ? "accent" : "neutral"}>{t.roles[user.role]}</Badge>],
            [
              t.status,
              <Badge kind={isActive ? "success" : "danger"}>{t.statuses[user.status]}</Badge>,
            ],
            [t.name, [user.first_name, user.last_name].filter(Boolean).join(" ") || t.noName],
            [t.since, format.moment(user.created_at)],
            [t.identifier, <span className="mono wrap-anywhere">{user.id}</span>],
          ]}
        />
      </Card>
      <Card>
        <h2>{t.access}</h2>
        {own ? (
          <p className="soft">{t.own}</p>
        ) : (
          <ApiForm failure={actionData} key={`${user.role} ${user.status}`}>
            <div className="columns">
              <Confirm
                title={isAdmin ? t.makeUser : t.makeAdmin}
                text={isAdmin ? t.makeUserText : t.makeAdminText}
              >
                <SubmitButton name="role" value={isAdmin ? "user" : "admin"}>
                  {t.confirm}
                </SubmitButton>
              </Confirm>
              <Confirm
                title={isActive ? t.suspend : t.restore}
                text={isActive ? t.suspendText : t.restoreText}
              >
                <SubmitButton
                  name="status"
                  value={isActive ? "suspended" : "active"}
                  kind={isActive ? "danger" : "primary"}
                >
                  {t.confirm}
                </SubmitButton>
              </Confirm>
            </div>
          </ApiForm>
        )}
      </Card>
    </div>
  );
}
