/** What can be done with all of one's data: have it, or have it removed. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { ButtonLink, PageHead } from "@tools-dashboard/front-kit/ui/index.ts";

import { DownloadData } from "./features/account-export/ui/download-data.tsx";
import { texts } from "./layouts/texts.ts";

export default function Data() {
  const t = useTexts(texts);
  return (
    <div className="readable stack">
      <PageHead title={t.data} />
      <DownloadData />
      <p>
        <ButtonLink to="/account/delete" kind="quiet">
          {t.deleteAccount}
        </ButtonLink>
      </p>
    </div>
  );
}
