/** Offers the file with all that is kept about the user. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { ButtonLink, Card } from "@tools-dashboard/front-kit/ui/index.ts";

import { texts } from "../texts.ts";

export function DownloadData() {
  const t = useTexts(texts);
  return (
    <Card>
      <h2>{t.title}</h2>
      <p>{t.lead}</p>
      <p>
        <ButtonLink to="/account/data.json" reloadDocument>
          {t.download}
        </ButtonLink>
      </p>
    </Card>
  );
}
