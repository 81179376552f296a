/** Texts in the languages of the product. tsc finds a key that one of them lacks. */

export const LOCALES = ["en", "es"] as const;

export type Locale = (typeof LOCALES)[number];

/** Texts in every language. */
export type Texts<T> = Readonly<Record<Locale, T>>;

/** Declare texts: `es` needs exactly the keys of `en`, with the same parameters. */
export function defineTexts<T extends object>(texts: { en: T; es: NoInfer<T> }): Texts<T> {
  return texts;
}

/** The language to use: the chosen one, the first known one that the browser asks for, English. */
export function localeOf(chosen: unknown, acceptLanguage: string | null): Locale {
  const wanted = (acceptLanguage ?? "")
    .split(",")
    .map((it) => {
      const [tag = "", quality] = it.trim().split(";q=");
      return { tag: tag.slice(0, 2).toLowerCase(), quality: Number(quality ?? 1) };
    })
    .sort((one, other) => other.quality - one.quality)
    .map(({ tag }) => tag);
  return [chosen, ...wanted].map(asLocale).find((it) => it !== null) ?? "en";
}

/** `value` where it is a language of the product. */
export function asLocale(value: unknown): Locale | null {
  return LOCALES.find((it) => it === value) ?? null;
}
