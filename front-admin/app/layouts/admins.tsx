/** Pages for admins. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { loginRequired } from "@tools-dashboard/front-kit/server/front.ts";
import { Menu, PageFrame, PersonIcon } from "@tools-dashboard/front-kit/ui/index.ts";
import { useEffect, useRef } from "react";
import { Form, NavLink, Outlet, useLocation, useRouteLoaderData } from "react-router";

import type { loader as rootLoader } from "../root.tsx";
import type { Route } from "./+types/admins.ts";
import { adminRequired } from "./admin-required.server.ts";
import { texts } from "./texts.ts";

const PAGES = ["health", "users", "tools", "tasks", "exports", "events", "audit"] as const;

export const middleware: Route.MiddlewareFunction[] = [loginRequired, adminRequired];

/** Runs the middleware above also where a page has no data of its own. */
export function loader() {
  return null;
}

export default function AdminsLayout() {
  const root = useRouteLoaderData<typeof rootLoader>("root");
  const t = useTexts(texts);
  const nav = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  useEffect(() => {
    const current = nav.current?.querySelector("[aria-current]");
    current?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [pathname]);
  return (
    <PageFrame
      home="/"
      theme={root?.theme ?? "system"}
      nav={
        <nav className="site-nav" ref={nav} aria-label={t.mainNavigation}>
          <ul role="list">
            {PAGES.map((page) => (
              <li key={page}>
                <NavLink to={page === "health" ? "/" : `/${page}`} end={page === "health"}>
                  {t[page]}
                </NavLink>
              </li>
            ))}
          </ul>
        </nav>
      }
      tools={
        <Menu label={t.account} icon={<PersonIcon />}>
          <Form method="post" action="/logout">
            <button type="submit">{t.logOut}</button>
          </Form>
        </Menu>
      }
    >
      <Outlet />
    </PageFrame>
  );
}
