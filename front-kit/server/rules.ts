/** The rules of a form's fields, read from the OpenAPI documents of the contracts. */
import type { Schemas } from "./contract.ts";

/** What a field has to satisfy, as HTML says it; lengths in characters. */
export interface FieldRules {
  readonly required: boolean;
  readonly minLength?: number;
  readonly maxLength?: number;
}

/** The rules of a model's fields, by their names on the wire. */
export type Rules<Name extends keyof Schemas> = Readonly<
  Record<keyof Schemas[Name] & string, FieldRules>
>;

interface Property {
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly anyOf?: readonly Property[];
}

interface Model {
  readonly properties?: Readonly<Record<string, Property>>;
  readonly required?: readonly string[];
}

/** An OpenAPI document, as far as rules need it. */
export interface RuleDocument {
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

/** The rules of the model `name`; throws where none of `documents` has it. */
export function rulesOf<Name extends keyof Schemas>(
  documents: readonly RuleDocument[],
  name: Name,
): Rules<Name> {
  const found = documents.map((document) => document.components.schemas[name]).find(Boolean);
  if (!found) throw new Error(`no document has the model ${name}`);
  const model = found as Model;
  const rules = Object.entries(model.properties ?? {}).map(([field, property]) => {
    const text = [property, ...(property.anyOf ?? [])].find((it) => it.maxLength !== undefined);
    return [field, { required: model.required?.includes(field) ?? false, ...lengths(text) }];
  });
  return Object.fromEntries(rules) as Rules<Name>;
}

function lengths(property: Property | undefined): Omit<FieldRules, "required"> {
  return {
    ...(property?.minLength !== undefined && { minLength: property.minLength }),
    ...(property?.maxLength !== undefined && { maxLength: property.maxLength }),
  };
}
