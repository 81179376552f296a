/** The icon of a tool, by its name in the contract. */
import type { ReactNode } from "react";

import type { Schema } from "../server/contract.ts";

export type ToolIconName = NonNullable<Schema<"ToolCard">["icon"]>;

const DRAWINGS: Readonly<Record<ToolIconName, ReactNode>> = {
  book: <path d="M5 4.5h9a4 4 0 0 1 4 4v11H8a3 3 0 0 1-3-3zM5 16.5a3 3 0 0 1 3-3h10" />,
  calendar: <path d="M4 6h16v14H4zM4 10.5h16M8.5 3.5v4M15.5 3.5v4" />,
  chart: <path d="M4 4v16h16M8.5 16v-4M12.5 16V8M16.5 16v-6" />,
  chat: <path d="M4 5h16v11h-8l-4.5 4v-4H4zM8 9.5h8M8 12.5h5" />,
  cloud: <path d="M7 18.5a4 4 0 0 1-.5-7.97 5.5 5.5 0 0 1 10.7-1A4.5 4.5 0 0 1 17 18.5z" />,
  code: <path d="M8.5 7.5L4 12l4.5 4.5M15.5 7.5L20 12l-4.5 4.5M13.5 5l-3 14" />,
  database: (
    <path d="M4.5 6.5c0-4 15-4 15 0s-15 4-15 0v11c0 4 15 4 15 0v-11M4.5 12c0 4 15 4 15 0" />
  ),
  document: <path d="M6 3.5h8l4 4v13H6zM14 3.5v4h4M9 12h6M9 15.5h6" />,
  folder: <path d="M3.5 6h6l2 2.5h9v11h-17z" />,
  globe: <path d="M12 3.5a8.5 8.5 0 1 0 .01 0M3.5 12h17M12 3.5c5 5 5 12 0 17M12 3.5c-5 5-5 12 0 17" />,
  image: <path d="M4 5h16v14H4zM4 16l4.5-4.5 4 4 2.5-2.5 5 5M15.5 9.5h.01" />,
  key: <path d="M8 11.5a4 4 0 1 0 .01 0M11 12.5l9-9M16.5 7l2.5 2.5" />,
  mail: <path d="M3.5 6h17v12.5h-17zM3.5 7l8.5 6.5L20.5 7" />,
  map: <path d="M3.5 6.5l5.5-2 6 2.5 5.5-2.5v13L15 20l-6-2.5-5.5 2zM9 4.5v13M15 7v13" />,
  money: <path d="M3.5 6.5h17v11h-17zM12 9.5a2.5 2.5 0 1 0 .01 0M6.5 12h.01M17.5 12h.01" />,
  people: (
    <path d="M9 5a3.5 3.5 0 1 0 .01 0M2.5 19.5a6.5 6.5 0 0 1 13 0M15.5 5.3a3.5 3.5 0 0 1 0 6.5M18 14.5a6.5 6.5 0 0 1 3.5 5" />
  ),
  shield: <path d="M12 3.5l7.5 2.5v6c0 4.5-3 7.5-7.5 9-4.5-1.5-7.5-4.5-7.5-9V6zM8.5 12l2.5 2.5 4.5-5" />,
  terminal: <path d="M3.5 5h17v14h-17zM7 9.5l3 2.5-3 2.5M12.5 15H17" />,
  video: <path d="M3.5 6.5h12v11h-12zM15.5 10.5l5-3v9l-5-3" />,
  wrench: (
    <path d="M14.5 9.5l-9 9a1.5 1.5 0 0 1-2-2l9-9a4.5 4.5 0 0 1 5.8-3.5L15.5 6.5l2 2 2.7-2.7a4.5 4.5 0 0 1-5.7 3.7" />
  ),
};

/** The names of all icons. */
export const TOOL_ICONS = Object.keys(DRAWINGS) as ToolIconName[];

/** Without an icon a tool shows the first letter of its name. */
export function ToolIcon(props: { readonly icon: ToolIconName | null; readonly name: string }) {
  const drawing = props.icon && DRAWINGS[props.icon];
  return (
    <span className="tool-icon" aria-hidden="true">
      {drawing ? (
        <svg
          viewBox="0 0 24 24"
          fill="none"
          stroke="currentColor"
          strokeWidth="1.7"
          strokeLinecap="round"
          strokeLinejoin="round"
          focusable="false"
        >
          {drawing}
        </svg>
      ) : (
        [...props.name][0]?.toUpperCase()
      )}
    </span>
  );
}
