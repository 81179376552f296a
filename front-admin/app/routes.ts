/** Every page of the front, by the feature that it belongs to. */
import { index, layout, route } from "@react-router/dev/routes";
import type { RouteConfig } from "@react-router/dev/routes";

export default [
  route("choices", "choices.ts"),
  layout("layouts/visitors.tsx", [route("login", "features/email-auth/routes/login.tsx")]),
  route("live/ticket", "features/live-notifications/routes/ticket.ts"),
  route("logout", "features/sessions/routes/logout.ts"),
  layout("layouts/admins.tsx", [
    index("overview/health.tsx"),
    route("users", "features/user-administration/routes/users.tsx"),
    route("users/:userId", "features/user-administration/routes/user.tsx"),
    route("users/:userId/notify", "features/notifications/routes/notify.tsx"),
    route("tools", "features/tool-catalogue/routes/tools.tsx"),
    route("tools/new", "features/tool-catalogue/routes/new-tool.tsx"),
    route("tools/:toolId", "features/tool-catalogue/routes/tool.tsx"),
    route("tasks", "features/background-tasks/routes/tasks.tsx"),
    route("exports", "features/user-export/routes/exports.tsx"),
    route("exports/download", "features/user-export/routes/download.ts"),
    route("events", "features/event-administration/routes/events.tsx"),
    route("events/:deliveryId", "features/event-administration/routes/event.tsx"),
    route("audit", "features/audit/routes/audit.tsx"),
  ]),
] satisfies RouteConfig;
