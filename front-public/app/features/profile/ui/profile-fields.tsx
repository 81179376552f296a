/** The fields of a profile. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import type { Schema } from "@tools-dashboard/front-kit/server/contract.ts";
import type { FieldRules } from "@tools-dashboard/front-kit/server/rules.ts";
import { SelectField, TextField, isChanged } from "@tools-dashboard/front-kit/ui/index.ts";
import { useEffect, useRef } from "react";

import { texts } from "../texts.ts";

type Field = keyof Schema<"ProfileCreate">;
type Values = Partial<Record<Field, string | null>>;

const LANGUAGES = { en: "English", es: "Español" } as const;

/** Labels of the fields, by their names on the wire. */
export function profileLabels(t: (typeof texts)["en"]): Record<Field, string> {
  return {
    first_name: t.firstName,
    last_name: t.lastName,
    display_name: t.displayName,
    company: t.company,
    job_title: t.jobTitle,
    language: t.language,
    timezone: t.timeZone,
  };
}

/**
 * `guessZone` chooses the time zone of the browser, for a profile that is new. A zone that was chosen
 * before React listened stays.
 */
export function ProfileFields(props: {
  readonly rules: Readonly<Record<Field, FieldRules>>;
  readonly values: Values;
  readonly zones: readonly string[];
  readonly guessZone?: boolean;
}) {
  const { rules, values, zones, guessZone = false } = props;
  const labels = profileLabels(useTexts(texts));
  const zone = useRef<HTMLSelectElement>(null);
  useEffect(() => {
    const guessed = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (!guessZone || !zone.current || isChanged(zone.current)) return;
    if (zones.includes(guessed)) zone.current.value = guessed;
  }, [guessZone, zones]);
  const field = (name: Field, autoComplete: string) => (
    <TextField
      name={name}
      label={labels[name]}
      rules={rules[name]}
      defaultValue={values[name] ?? ""}
      autoComplete={autoComplete}
    />
  );
  return (
    <>
      <div className="columns">
        {field("first_name", "given-name")}
        {field("last_name", "family-name")}
      </div>
      {field("display_name", "nickname")}
      <div className="columns">
        {field("company", "organization")}
        {field("job_title", "organization-title")}
      </div>
      <div className="columns">
        <SelectField
          name="language"
          label={labels.language}
          defaultValue={values.language ?? "en"}
          autoComplete="off"
        >
          {Object.entries(LANGUAGES).map(([value, name]) => (
            <option key={value} value={value} lang={value}>
              {name}
            </option>
          ))}
        </SelectField>
        <SelectField
          ref={zone}
          name="timezone"
          label={labels.timezone}
          defaultValue={values.timezone ?? "UTC"}
          autoComplete="off"
        >
          {zones.map((it) => (
            <option key={it}>{it}</option>
          ))}
        </SelectField>
      </div>
    </>
  );
}
