/** The root of every page: who asks, the document, and what stands where a page can't be shown. */
import "@tools-dashboard/front-kit/ui/styles.css";
import "./ui/admin.css";

import { visitorMiddleware, visitorOf } from "@tools-dashboard/front-kit/server/front.ts";
import { Document, ErrorPage, PageFrame, useChoices } from "@tools-dashboard/front-kit/ui/index.ts";
import type { ReactNode } from "react";
import { Outlet, useRouteLoaderData } from "react-router";

import type { Route } from "./+types/root.ts";
import { settings } from "./settings.server.ts";

export const middleware: Route.MiddlewareFunction[] = [
  visitorMiddleware({ name: "admin", basePath: "/admin", settings }),
];

export function loader({ context }: Route.LoaderArgs) {
  const { locale, theme, timeZone } = visitorOf(context);
  return { locale, theme, timeZone };
}

export function Layout(props: { readonly children: ReactNode }) {
  const visitor = useRouteLoaderData<typeof loader>("root");
  const choices = useChoices();
  return (
    <Document
      locale={visitor?.locale ?? choices.locale}
      theme={visitor?.theme ?? choices.theme}
      timeZone={visitor?.timeZone ?? "UTC"}
      icon="/admin/icon.svg"
    >
      {props.children}
    </Document>
  );
}

export default function Root() {
  return <Outlet />;
}

export function ErrorBoundary({ error }: Route.ErrorBoundaryProps) {
  const { theme } = useChoices();
  return (
    <PageFrame home="/" theme={theme}>
      <ErrorPage error={error} home="/" />
    </PageFrame>
  );
}
