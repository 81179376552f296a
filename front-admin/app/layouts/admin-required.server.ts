/** The middleware of every page for admins; the API checks the permission of each call again. */
import { visitorContext } from "@tools-dashboard/front-kit/server/index.ts";
import type { MiddlewareFunction } from "react-router";
import { redirect } from "react-router";

/** Whoever is logged in without being an admin is logged out here and told why. */
export const adminRequired: MiddlewareFunction<Response> = async ({ context }) => {
  const { session, basePath } = context.get(visitorContext);
  if (session.user?.role === "admin") return;
  await session.api.POST("/auth/logout");
  session.end();
  throw redirect(`${basePath}/login?refused=1`);
};
