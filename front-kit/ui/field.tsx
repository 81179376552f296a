/** Fields of forms: label, hint, error, and the rules of the contract. */
import { useEffect, useId, useRef, useState } from "react";
import type { ComponentProps, ReactNode } from "react";

import { useTexts } from "../i18n/react.tsx";
import { kitTexts } from "../i18n/kit.ts";
import type { FieldRules } from "../server/rules.ts";
import { useFieldError, useSentValue } from "./form.tsx";

interface Labelled {
  readonly name: string;
  readonly label: ReactNode;
  readonly hint?: ReactNode;
  readonly rules?: FieldRules | undefined;
}

type InputProps = Labelled & Omit<ComponentProps<"input">, "name" | "id">;

/** What ties a control to its label, hint and error. */
function useControl(props: Labelled) {
  const id = useId();
  const error = useFieldError(props.name);
  const sent = useSentValue(props.name);
  const described = [props.hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return {
    id,
    error,
    /** The value of a field that was sent and came back refused. */
    again: sent === undefined ? {} : { defaultValue: sent === null ? "" : String(sent) },
    control: {
      id: error ? `field-${props.name}` : id,
      name: props.name,
      required: props.rules?.required,
      minLength: props.rules?.minLength,
      maxLength: props.rules?.maxLength,
      "aria-describedby": described || undefined,
      "aria-invalid": error ? true : undefined,
      className: "input",
    } as const,
  };
}

function Frame(props: {
  readonly labelled: Labelled;
  readonly id: string;
  readonly controlId: string;
  readonly error: string | null;
  readonly hintState?: string;
  readonly children: ReactNode;
}) {
  const t = useTexts(kitTexts);
  const { labelled, id, error } = props;
  return (
    <div className="field">
      <label className="field-label" htmlFor={props.controlId}>
        {labelled.label}
        {labelled.rules?.required === false && (
          <span className="field-optional"> ({t.optional})</span>
        )}
      </label>
      {props.children}
      {labelled.hint && (
        <p className="field-hint" id={`${id}-hint`} data-state={props.hintState}>
          {labelled.hint}
        </p>
      )}
      {error && (
        <p className="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

/** A text field in one line. */
export function TextField(props: InputProps) {
  const { label, hint, rules, ...input } = props;
  const labelled = { name: props.name, label, hint, rules };
  const { id, error, control, again } = useControl(labelled);
  return (
    <Frame labelled={labelled} id={id} controlId={control.id} error={error}>
      <input {...input} {...again} {...control} />
    </Frame>
  );
}

/** A text field of several lines. */
export function TextArea(props: Labelled & Omit<ComponentProps<"textarea">, "name" | "id">) {
  const { label, hint, rules, ...input } = props;
  const labelled = { name: props.name, label, hint, rules };
  const { id, error, control, again } = useControl(labelled);
  return (
    <Frame labelled={labelled} id={id} controlId={control.id} error={error}>
      <textarea {...input} {...again} {...control} />
    </Frame>
  );
}

/** A choice of one out of several. */
export function SelectField(props: Labelled & Omit<ComponentProps<"select">, "name" | "id">) {
  const { label, hint, rules, ...select } = props;
  const labelled = { name: props.name, label, hint, rules };
  const { id, error, control, again } = useControl(labelled);
  return (
    <Frame labelled={labelled} id={id} controlId={control.id} error={error}>
      <select
        {...select}
        {...again}
        id={control.id}
        name={control.name}
        required={control.required}
        aria-describedby={control["aria-describedby"]}
        aria-invalid={control["aria-invalid"]}
        className={control.className}
      />
    </Frame>
  );
}

/** A box to tick, with its label behind it. */
export function CheckField(props: InputProps) {
  const { label, hint, rules, ...input } = props;
  const { id, error, control, again } = useControl({ name: props.name, label, hint, rules });
  return (
    <div className="field">
      <div className="check">
        <input
          {...input}
          {...(again.defaultValue === "on" && { defaultChecked: true })}
          type="checkbox"
          id={control.id}
          name={control.name}
          required={control.required}
          aria-describedby={control["aria-describedby"]}
          aria-invalid={control["aria-invalid"]}
        />
        <label htmlFor={control.id}>{label}</label>
      </div>
      {hint && (
        <p className="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p className="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

/**
 * A password. It can be shown, and with `counted` its hint says while typing how many characters
 * are missing. It is never given back by the server.
 */
export function PasswordField(
  props: Omit<InputProps, "type" | "hint"> & { readonly counted?: boolean },
) {
  const { label, rules, counted = false, ...input } = props;
  const t = useTexts(kitTexts);
  const [visible, setVisible] = useState(false);
  const [length, setLength] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  // What was typed before React listened.
  useEffect(() => setLength(lengthOf(field.current)), []);
  const counting = counted && rules ? lengthHint(t, rules, length) : null;
  const labelled = { name: props.name, label, hint: counting?.text, rules };
  const { id, error, control } = useControl(labelled);
  return (
    <Frame
      labelled={labelled}
      id={id}
      controlId={control.id}
      error={error}
      {...(counting && { hintState: counting.state })}
    >
      <div className="input-row">
        <input
          {...input}
          {...control}
          ref={field}
          type={visible ? "text" : "password"}
          spellCheck={false}
          autoCapitalize="none"
          onChange={(event) => setLength(lengthOf(event.currentTarget))}
        />
        <button
          type="button"
          className="button scripted"
          aria-controls={control.id}
          aria-pressed={visible}
          onClick={() => setVisible(!visible)}
        >
          {visible ? t.hide : t.show}
        </button>
      </div>
    </Frame>
  );
}

type KitTexts = (typeof kitTexts)["en"];

/** In characters, as the API counts them. */
function lengthOf(field: HTMLInputElement | null): number {
  return [...(field?.value ?? "")].length;
}

function lengthHint(
  t: KitTexts,
  rules: FieldRules,
  length: number,
): { text: string; state: "open" | "fine" } {
  const { minLength: min = 0, maxLength: max = Infinity } = rules;
  if (length === 0) return { text: t.lengthHint(min, max), state: "open" };
  if (length < min) return { text: t.charactersMissing(min - length), state: "open" };
  if (length > max) return { text: t.charactersTooMany(length - max), state: "open" };
  return { text: t.lengthFine, state: "fine" };
}
