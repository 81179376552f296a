/** Pages about the account itself. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { Tabs } from "@tools-dashboard/front-kit/ui/index.ts";
import { Outlet, useLocation } from "react-router";

import { texts } from "./texts.ts";

export default function AccountLayout() {
  const t = useTexts(texts);
  const { pathname } = useLocation();
  const aboutData = pathname === "/account/data" || pathname === "/account/delete";
  return (
    <div className="with-side">
      <Tabs
        side
        label={t.account}
        items={[
          { to: "/account", text: t.account },
          { to: "/profile", text: t.profile },
          { to: "/account/password", text: t.password },
          { to: "/account/sessions", text: t.sessions },
          { to: "/notifications/preferences", text: t.preferences },
          { to: "/account/data", text: t.data, current: aboutData },
        ]}
      />
      <Outlet />
    </div>
  );
}
