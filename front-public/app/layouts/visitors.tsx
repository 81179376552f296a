/** Pages for people who are not logged in. */
import { ButtonLink, PageFrame } from "@tools-dashboard/front-kit/ui/index.ts";
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { Outlet, useRouteLoaderData } from "react-router";

import type { loader as rootLoader } from "../root.tsx";
import { texts } from "./texts.ts";

export default function VisitorsLayout() {
  const root = useRouteLoaderData<typeof rootLoader>("root");
  const t = useTexts(texts);
  return (
    <PageFrame
      home="/"
      theme={root?.theme ?? "system"}
      tools={
        <ButtonLink to="/login" kind="quiet">
          {t.logIn}
        </ButtonLink>
      }
    >
      <div className="narrow stack">
        <Outlet />
      </div>
    </PageFrame>
  );
}
