/** Every page of the front, by the feature that it belongs to. */
import { index, layout, route } from "@react-router/dev/routes";
import type { RouteConfig } from "@react-router/dev/routes";

export default [
  route("choices", "choices.ts"),
  layout("layouts/visitors.tsx", [
    route("login", "features/email-auth/routes/login.tsx"),
  ]),
  route("logout", "features/sessions/routes/logout.ts"),
  layout("layouts/members.tsx", [index("home.tsx")]),
] satisfies RouteConfig;
