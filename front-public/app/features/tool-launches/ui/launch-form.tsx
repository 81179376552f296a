/** Buttons that open a tool in a new tab. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import type { Part, Schema } from "@tools-dashboard/front-kit/server/index.ts";
import {
  Button,
  DOUBLE_CLICK_SECONDS,
  PartView,
  ToolIcon,
} from "@tools-dashboard/front-kit/ui/index.ts";
import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import { Form, useRevalidator } from "react-router";

import { texts } from "../texts.ts";

type Tool = Pick<Schema<"ToolCard">, "id" | "name">;

/** A double click is one launch; a click after it has a key of its own and counts again. */
function LaunchForm(props: { readonly tool: Tool; readonly launchKey: string; readonly children: ReactNode }) {
  const { tool, launchKey, children } = props;
  const [clicks, setClicks] = useState(0);
  return (
    <Form
      method="post"
      action={`/tools/${tool.id}/launch`}
      target="_blank"
      rel="noopener"
      reloadDocument
      onSubmit={() => setTimeout(() => setClicks(clicks + 1), DOUBLE_CLICK_SECONDS * 1000)}
    >
      <input type="hidden" name="key" value={`${launchKey}-${tool.id}-${clicks}`} />
      {children}
    </Form>
  );
}

export function LaunchButton(props: { readonly tool: Tool; readonly launchKey: string }) {
  const { tool, launchKey } = props;
  const t = useTexts(texts);
  return (
    <LaunchForm tool={tool} launchKey={launchKey}>
      <Button type="submit" kind="primary" size="small" aria-label={t.openTool(tool.name)}>
        {t.open}
      </Button>
    </LaunchForm>
  );
}

/** What was used last; it is read again when the user comes back from a tool. */
export function RecentlyUsed(props: {
  readonly recent: Part<Schema<"RecentTools">>;
  readonly launchKey: string;
}) {
  const t = useTexts(texts);
  useRevalidateOnReturn();
  return (
    <PartView part={props.recent}>
      {({ items }) =>
        items.length > 0 && (
          <section className="stack-small" aria-labelledby="recent-tools">
            <h2 id="recent-tools">{t.recent}</h2>
            <ul className="recent-tools" role="list">
              {items.map((tool) => (
                <li key={tool.id}>
                  <LaunchForm tool={tool} launchKey={`${props.launchKey}-recent`}>
                    <button
                      type="submit"
                      className="recent-tool"
                      aria-label={t.openTool(tool.name)}
                    >
                      <ToolIcon icon={tool.icon} name={tool.name} />
                      <span className="wrap-anywhere">{tool.name}</span>
                    </button>
                  </LaunchForm>
                </li>
              ))}
            </ul>
          </section>
        )
      }
    </PartView>
  );
}

function useRevalidateOnReturn(): void {
  const { revalidate } = useRevalidator();
  useEffect(() => {
    const returned = (): void => {
      if (document.visibilityState === "visible") void revalidate();
    };
    document.addEventListener("visibilitychange", returned);
    return () => document.removeEventListener("visibilitychange", returned);
  }, [revalidate]);
}
