/** The first page after the log-in. */
import { visitorOf, required } from "@tools-dashboard/front-kit/server/index.ts";
import { PageHead } from "@tools-dashboard/front-kit/ui/index.ts";

import type { Route } from "./+types/home.ts";

export async function loader({ context }: Route.LoaderArgs) {
  const { session } = visitorOf(context);
  return { user: required(await session.api.GET("/api/users/me")) };
}

export default function Home({ loaderData }: Route.ComponentProps) {
  return <PageHead title="Tools Dashboard" lead={loaderData.user.email} />;
}
