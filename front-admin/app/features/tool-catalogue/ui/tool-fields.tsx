/** The fields of a tool, for a new one and for one that is there. */
import { useTexts } from "@tools-dashboard/front-kit/i18n/react.tsx";
import type { Rules, Schema } from "@tools-dashboard/front-kit/server/index.ts";
import {
  SelectField,
  TextArea,
  TextField,
  TOOL_ICONS,
  useSentValue,
} from "@tools-dashboard/front-kit/ui/index.ts";

import { texts } from "../texts.ts";
import { ACCESSES, ROLES } from "../tool-form.ts";

export function ToolFields(props: {
  readonly rules: Rules<"ToolCreate">;
  readonly tool?: Schema<"AdministeredTool">;
}) {
  const { rules, tool } = props;
  const t = useTexts(texts);
  const sentRoles = useSentValue("roles") as readonly string[] | undefined;
  const chosen: readonly string[] = sentRoles ?? tool?.roles ?? [];
  return (
    <>
      <TextField name="name" label={t.name} rules={rules.name} defaultValue={tool?.name} />
      <TextArea
        name="summary"
        label={t.summary}
        rules={rules.summary}
        rows={3}
        defaultValue={tool?.summary}
      />
      <TextField
        name="category"
        label={t.category}
        hint={t.categoryHint}
        rules={rules.category}
        defaultValue={tool?.category}
      />
      <TextField
        name="url"
        type="url"
        label={t.url}
        hint={t.urlHint}
        rules={rules.url}
        defaultValue={tool?.url}
      />
      <SelectField name="icon" label={t.icon} defaultValue={tool?.icon ?? ""}>
        <option value="">{t.noIcon}</option>
        {TOOL_ICONS.map((icon) => (
          <option key={icon}>{icon}</option>
        ))}
      </SelectField>
      <SelectField name="access" label={t.access} defaultValue={tool?.access ?? "all"}>
        {ACCESSES.map((access) => (
          <option key={access} value={access}>
            {t.accesses[access]}
          </option>
        ))}
      </SelectField>
      <fieldset className="field">
        <legend className="field-label">{t.roles}</legend>
        {ROLES.map((role) => (
          <label key={role} className="check">
            <input
              type="checkbox"
              name="roles"
              value={role}
              defaultChecked={chosen.includes(role)}
            />
            {t.roleNames[role]}
          </label>
        ))}
      </fieldset>
      <TextArea
        name="user_ids"
        label={t.users}
        hint={t.usersHint}
        rows={3}
        defaultValue={tool?.user_ids.join("\n")}
        spellCheck={false}
      />
    </>
  );
}

/** What the errors of the form call its fields. */
export function useToolLabels(): Readonly<Record<string, string>> {
  const t = useTexts(texts);
  return {
    name: t.name,
    summary: t.summary,
    category: t.category,
    url: t.url,
    icon: t.icon,
    access: t.access,
    roles: t.roles,
    user_ids: t.users,
  };
}
