/** The HTML document of a front. */
import type { ReactNode } from "react";
import { Links, Scripts, ScrollRestoration } from "react-router";

import type { Locale } from "../i18n/index.ts";
import { LanguageProvider } from "../i18n/react.tsx";
import { SEND_ONCE, useShowScripted } from "./before-scripts.ts";
import { useNonce } from "./nonce.tsx";

/** `icon` is the address of the picture in the browser's tab. */
export function Document(props: {
  readonly locale: Locale;
  readonly theme: string;
  readonly timeZone: string;
  readonly icon: string;
  readonly children: ReactNode;
}) {
  const { locale, theme, timeZone, icon, children } = props;
  const nonce = useNonce();
  useShowScripted();
  return (
    <html lang={locale} data-theme={theme}>
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href={icon} type="image/svg+xml" />
        <Links nonce={nonce} />
        <script nonce={nonce} suppressHydrationWarning dangerouslySetInnerHTML={{ __html: SEND_ONCE }} />
      </head>
      <body>
        <LanguageProvider locale={locale} timeZone={timeZone}>
          {children}
        </LanguageProvider>
        <ScrollRestoration nonce={nonce} />
        <Scripts nonce={nonce} />
      </body>
    </html>
  );
}
