/** Moments and numbers as a language writes them. */
import type { Locale } from "./index.ts";

export interface Format {
  /** Date and time of an ISO 8601 text. */
  readonly moment: (iso: string) => string;
  readonly day: (iso: string) => string;
  readonly number: (value: number) => string;
}

/** `Intl` takes about half a millisecond to make what a component needs, and a list has many. */
const KEPT = 100;
const made = new Map<string, Format>();

/** The format of a language and an IANA time zone. Throws RangeError for another name. */
export function formatOf(locale: Locale, timeZone: string): Format {
  const name = `${locale} ${timeZone}`;
  const known = made.get(name);
  if (known) return known;
  const moments = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone });
  const days = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeZone });
  const numbers = new Intl.NumberFormat(locale);
  const format: Format = {
    moment: (iso) => moments.format(new Date(iso)),
    day: (iso) => days.format(new Date(iso)),
    number: (value) => numbers.format(value),
  };
  // A browser may send as many spellings of a name as it likes.
  if (made.size >= KEPT) made.clear();
  made.set(name, format);
  return format;
}
