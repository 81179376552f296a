/** A JSON value as a person reads it. */

export function Json(props: { readonly value: unknown; readonly label: string }) {
  return (
    <pre className="json" tabIndex={0} role="region" aria-label={props.label}>
      {JSON.stringify(props.value, null, 2)}
    </pre>
  );
}
