/** Language and theme of pages that stand for an error, whose loaders may never have run. */
import { createContext, use } from "react";

import { asLocale } from "../i18n/index.ts";
import type { Locale } from "../i18n/index.ts";

interface Choices {
  readonly locale: Locale;
  readonly theme: string;
}

export const ChoicesContext = createContext<Choices | null>(null);

/** On the server those of the request, in the browser those of the document that is shown. */
export function useChoices(): Choices {
  const given = use(ChoicesContext);
  if (given) return given;
  if (typeof document === "undefined") return { locale: "en", theme: "system" };
  const { lang, dataset } = document.documentElement;
  return { locale: asLocale(lang) ?? "en", theme: dataset["theme"] ?? "system" };
}
