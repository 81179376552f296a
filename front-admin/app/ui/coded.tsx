/** A value of the API in the language of the page, with the value itself, which logs and calls take. */
export function Coded(props: { readonly text: string | undefined; readonly code: string }) {
  const { text, code } = props;
  return (
    <>
      {text && <span className="coded-text">{text}</span>} <span className="mono wrap-anywhere">{code}</span>
    </>
  );
}

/** The text of `code`; undefined for one that these pages do not know. */
export function textOf(texts: object, code: string): string | undefined {
  const found: unknown = Object.hasOwn(texts, code) && texts[code as keyof typeof texts];
  return typeof found === "string" ? found : undefined;
}
