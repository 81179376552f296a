/** What stays after the end of an account; docs/decisions/0022-forgetting-a-user.md has all of it. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { Card } from "@tools-dashboard/front-kit/ui/index.ts";

import { texts } from "../texts.ts";

export function WhatIsKept() {
  const t = useTexts(texts);
  return (
    <Card>
      <h2>{t.keptTitle}</h2>
      <ul className="bullets">
        {t.kept.map((it) => (
          <li key={it}>{it}</li>
        ))}
      </ul>
    </Card>
  );
}
