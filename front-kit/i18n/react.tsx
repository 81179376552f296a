/** The language of the page, for components. */
import { createContext, use } from "react";
import type { ReactNode } from "react";

import { formatOf } from "./format.ts";
import type { Format } from "./format.ts";
import type { Locale, Texts } from "./index.ts";

interface Language {
  readonly locale: Locale;
  readonly timeZone: string;
}

const LanguageContext = createContext<Language>({ locale: "en", timeZone: "UTC" });

/** `timeZone` is an IANA name: server and browser have to write the same times. */
export function LanguageProvider(props: Language & { readonly children: ReactNode }) {
  const { locale, timeZone, children } = props;
  return <LanguageContext value={{ locale, timeZone }}>{children}</LanguageContext>;
}

export function useLocale(): Locale {
  return use(LanguageContext).locale;
}

export function useTexts<T>(texts: Texts<T>): T {
  return texts[use(LanguageContext).locale];
}

/** Writes moments and numbers as the page's language does. */
export function useFormat(): Format {
  const { locale, timeZone } = use(LanguageContext);
  return formatOf(locale, timeZone);
}
