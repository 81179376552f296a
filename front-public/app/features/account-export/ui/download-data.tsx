/** Offers the file with all that is kept about the user. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { ButtonLink, Card, Notice } from "@tools-dashboard/front-kit/ui/index.ts";
import { useSearchParams } from "react-router";

import { texts } from "../texts.ts";

export function DownloadData() {
  const t = useTexts(texts);
  const [params] = useSearchParams();
  const refused = params.get("refused");
  return (
    <Card>
      <h2>{t.title}</h2>
      <p>{t.lead}</p>
      {refused && (
        <Notice kind="warning" role="alert">
          <p>{refused === "often" ? t.often : t.out}</p>
        </Notice>
      )}
      <p>
        <ButtonLink to="/account/data.json" reloadDocument>
          {t.download}
        </ButtonLink>
      </p>
    </Card>
  );
}
