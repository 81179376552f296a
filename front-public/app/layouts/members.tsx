/** Pages for people who are logged in. */
import { loginRequired } from "@tools-dashboard/front-kit/server/front.ts";
import { PageFrame, PersonIcon } from "@tools-dashboard/front-kit/ui/index.ts";
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { Form, NavLink, Outlet, useRouteLoaderData } from "react-router";

import type { loader as rootLoader } from "../root.tsx";
import type { Route } from "./+types/members.ts";
import { texts } from "./texts.ts";

export const middleware: Route.MiddlewareFunction[] = [loginRequired];

/** Runs the middleware above also where a page has no data of its own. */
export function loader() {
  return null;
}

export default function MembersLayout() {
  const root = useRouteLoaderData<typeof rootLoader>("root");
  const t = useTexts(texts);
  return (
    <PageFrame
      home="/"
      theme={root?.theme ?? "system"}
      nav={
        <nav className="site-nav" aria-label={t.mainNavigation}>
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
        <details className="menu">
          <summary className="icon-button" aria-label={t.account}>
            <PersonIcon />
          </summary>
          <div className="menu-panel">
            <Form method="post" action="/logout">
              <button type="submit">{t.logOut}</button>
            </Form>
          </div>
        </details>
      }
    >
      <Outlet />
    </PageFrame>
  );
}
