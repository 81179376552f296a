/** After the end of an account. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import { PageHead } from "@tools-dashboard/front-kit/ui/index.ts";

import { texts } from "../texts.ts";
import { WhatIsKept } from "../ui/what-is-kept.tsx";

export default function AccountGone() {
  const t = useTexts(texts);
  return (
    <>
      <PageHead title={t.goneTitle} lead={t.gone} />
      <WhatIsKept />
    </>
  );
}
