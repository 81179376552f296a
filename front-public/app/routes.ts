/** Every page of the front, by the feature that it belongs to. */
import { index, layout, route } from "@react-router/dev/routes";
import type { RouteConfig } from "@react-router/dev/routes";

export default [
  route("choices", "choices.ts"),
  layout("layouts/visitors.tsx", [
    route("login", "features/email-auth/routes/login.tsx"),
    route("register", "features/user-registration/routes/register.tsx"),
    route("register/sent", "features/user-registration/routes/sent.tsx"),
    route("confirm", "features/email-verification/routes/confirm.tsx"),
    route("password-reset", "features/password-reset/routes/reset.tsx"),
    route("account-deleted", "features/account-deletion/routes/gone.tsx"),
  ]),
  route("logout", "features/sessions/routes/logout.ts"),
  route("account/data.json", "features/account-export/routes/download.ts"),
  route("live/ticket", "features/live-notifications/routes/ticket.ts"),
  route("live/unread", "features/live-notifications/routes/unread.ts"),
  layout("layouts/members.tsx", [
    index("home.tsx"),
    route("tools/:toolId/launch", "features/tool-launches/routes/launch.tsx"),
    route("profile/create", "features/profile/routes/create.tsx"),
    route("notifications", "features/notifications/routes/list.tsx"),
    layout("layouts/account.tsx", [
      route("account", "features/account/routes/overview.tsx"),
      route("profile", "features/profile/routes/edit.tsx"),
      route("notifications/preferences", "features/notifications/routes/preferences.tsx"),
      route("account/password", "features/password-change/routes/password.tsx"),
      route("account/sessions", "features/sessions/routes/list.tsx"),
      route("account/data", "data.tsx"),
      route("account/delete", "features/account-deletion/routes/delete.tsx"),
    ]),
  ]),
] satisfies RouteConfig;
