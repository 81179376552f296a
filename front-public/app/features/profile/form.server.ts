/** The fields of a profile, as a form sends them. */
import type { Schema } from "@tools-dashboard/front-kit/server/contract.ts";

type ProfileCreate = Schema<"ProfileCreate">;

/** An empty optional field is null, which clears it. */
export function profileFrom(form: FormData): ProfileCreate {
  const text = (name: string): string => String(form.get(name) ?? "");
  const optional = (name: string): string | null => text(name).trim() || null;
  return {
    first_name: text("first_name"),
    last_name: text("last_name"),
    display_name: optional("display_name"),
    company: optional("company"),
    job_title: optional("job_title"),
    language: text("language"),
    timezone: text("timezone"),
  };
}

/** The time zones that can be chosen. */
export function timeZones(): string[] {
  return ["UTC", ...Intl.supportedValuesOf("timeZone").filter((it) => it !== "UTC")];
}
