/** The tool library, the first page after the log-in. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { failureOf, stay, visitorOf } from "@tools-dashboard/front-kit/server/index.ts";
import { PageHead } from "@tools-dashboard/front-kit/ui/index.ts";
import { data, useSearchParams } from "react-router";

import { setFavourite, toolsOf } from "./features/tool-catalogue/tools.server.ts";
import { Library, SearchTools, ToolFilters } from "./features/tool-catalogue/ui/library.tsx";
import { recentTools } from "./features/tool-launches/recent.server.ts";
import { LaunchButton, RecentlyUsed } from "./features/tool-launches/ui/launch-form.tsx";
import { texts } from "./layouts/texts.ts";
import type { Route } from "./+types/home.ts";

export async function loader({ request, context }: Route.LoaderArgs) {
  const { api } = visitorOf(context).session;
  const [catalogue, recent] = await Promise.all([
    toolsOf(api, new URL(request.url).searchParams),
    recentTools(api),
  ]);
  return { ...catalogue, recent, launchKey: crypto.randomUUID() };
}

export async function action({ request, context }: Route.ActionArgs) {
  const { api } = visitorOf(context).session;
  const answer = await setFavourite(api, await request.formData());
  if (answer.response.ok) return stay({ request, context });
  throw data(failureOf(answer), { status: answer.response.status });
}

export default function Home({ loaderData }: Route.ComponentProps) {
  const { tools, categories, recent, launchKey } = loaderData;
  const t = useTexts(texts);
  const [params] = useSearchParams();
  return (
    <>
      <PageHead title={t.tools}>
        <SearchTools />
      </PageHead>
      {params.size === 0 && <RecentlyUsed recent={recent} launchKey={launchKey} />}
      <ToolFilters categories={categories} />
      <Library
        tools={tools}
        launch={(tool) => <LaunchButton tool={tool} launchKey={launchKey} />}
      />
    </>
  );
}
