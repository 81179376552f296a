/** Pages for people who are logged in. */
import { loginRequired, socketUrl, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import { Menu, PageFrame, PersonIcon } from "@tools-dashboard/front-kit/ui/index.ts";
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { Form, Link, NavLink, Outlet, useRouteLoaderData } from "react-router";

import { LiveBell } from "../features/live-notifications/ui/live-bell.tsx";
import type { loader as rootLoader } from "../root.tsx";
import type { Route } from "./+types/members.ts";
import { settings } from "../settings.server.ts";
import { texts } from "./texts.ts";

export const middleware: Route.MiddlewareFunction[] = [loginRequired];

export async function loader({ context }: Route.LoaderArgs) {
  const { api } = visitorOf(context).session;
  const count = await api.GET("/api/notifications/unread-count");
  return { unread: count.data?.unread ?? null, socketUrl: socketUrl(settings) };
}

export default function MembersLayout({ loaderData }: Route.ComponentProps) {
  const root = useRouteLoaderData<typeof rootLoader>("root");
  const t = useTexts(texts);
  return (
    <PageFrame
      home="/"
      theme={root?.theme ?? "system"}
      nav={
        <nav className="site-nav" data-short aria-label={t.mainNavigation}>
          <ul role="list">
            <li>
              <NavLink to="/" end>
                {t.tools}
              </NavLink>
            </li>
          </ul>
        </nav>
      }
      tools={
        <>
          <LiveBell unread={loaderData.unread} socketUrl={loaderData.socketUrl} />
          <Menu label={t.account} icon={<PersonIcon />}>
            <Link to="/account">{t.account}</Link>
            <Link to="/profile">{t.profile}</Link>
            <Link to="/account/password">{t.password}</Link>
            <Link to="/account/sessions">{t.sessions}</Link>
            <Link to="/notifications/preferences">{t.preferences}</Link>
            <Form method="post" action="/logout">
              <button type="submit">{t.logOut}</button>
            </Form>
          </Menu>
        </>
      }
    >
      <Outlet />
    </PageFrame>
  );
}
