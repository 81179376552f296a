/** What a user was told, newest first. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { failureOf, part, stay, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import {
  ButtonLink,
  EmptyState,
  PageHead,
  Pagination,
  PartView,
  SubmitButton,
  Tabs,
} from "@tools-dashboard/front-kit/ui/index.ts";
import { ConnectionState } from "@tools-dashboard/front-kit/live/react.tsx";
import { data, Form, useSearchParams } from "react-router";

import { texts } from "../texts.ts";
import { NotificationItem } from "../ui/notification-item.tsx";
import type { Route } from "./+types/list.ts";

const PAGE = 20;

export async function loader({ request, context }: Route.LoaderArgs) {
  const { searchParams } = new URL(request.url);
  const before = searchParams.get("before");
  const answer = await visitorOf(context).session.api.GET("/api/notifications", {
    params: {
      query: {
        limit: PAGE,
        ...(before && { before }),
        ...(searchParams.has("unread") && { unread: true }),
      },
    },
  });
  return { notifications: part(answer) };
}

/** `id` marks one as read; without it all are. */
export async function action({ request, context }: Route.ActionArgs) {
  const { api } = visitorOf(context).session;
  const id = (await request.formData()).get("id");
  const answer = id
    ? await api.POST("/api/notifications/{notification_id}/read", {
        params: { path: { notification_id: String(id) } },
      })
    : await api.POST("/api/notifications/read-all");
  if (answer.response.ok) return stay({ request, context });
  throw data(failureOf(answer), { status: answer.response.status });
}

export default function Notifications({ loaderData }: Route.ComponentProps) {
  const t = useTexts(texts);
  const [params] = useSearchParams();
  const unreadOnly = params.has("unread");
  return (
    <>
      <PageHead title={t.title}>
        <ConnectionState always />
        <Form method="post">
          <SubmitButton kind="secondary" size="small">
            {t.markAll}
          </SubmitButton>
        </Form>
        <ButtonLink to="/notifications/preferences" size="small">
          {t.preferencesLink}
        </ButtonLink>
      </PageHead>
      <Tabs
        label={t.title}
        items={[
          { to: "/notifications", text: t.all, current: !unreadOnly },
          { to: "/notifications?unread=1", text: t.unreadOnly, current: unreadOnly },
        ]}
      />
      <PartView part={loaderData.notifications}>
        {({ items, next }) => (
          <>
            {items.length === 0 && (
              <EmptyState title={t.emptyTitle}>
                <p>{unreadOnly ? t.emptyUnread : t.empty}</p>
              </EmptyState>
            )}
            <ul className="stack-small" role="list">
              {items.map((item) => (
                <NotificationItem key={item.id} item={item} />
              ))}
            </ul>
            <Pagination next={next} label={t.pages} />
          </>
        )}
      </PartView>
    </>
  );
}
