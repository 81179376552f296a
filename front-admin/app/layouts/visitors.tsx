/** Pages for people who are not logged in as an admin. */
import { PageFrame } from "@tools-dashboard/front-kit/ui/index.ts";
import { Outlet, useRouteLoaderData } from "react-router";

import type { loader as rootLoader } from "../root.tsx";

export default function VisitorsLayout() {
  const root = useRouteLoaderData<typeof rootLoader>("root");
  return (
    <PageFrame home="/" theme={root?.theme ?? "system"}>
      <div className="narrow stack">
        <Outlet />
      </div>
    </PageFrame>
  );
}
