/** What addresses and forms give, as values of the contract. */

/** `value` where it is one of `choices`, otherwise null. */
export function chosen<T extends string>(
  choices: readonly T[],
  value: FormDataEntryValue | null,
): T | null {
  return choices.find((it) => it === value) ?? null;
}
