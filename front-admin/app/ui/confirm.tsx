/** An action that asks before it is done, without JavaScript too. */
import type { ReactNode } from "react";

/** Closed it is a button; open it says what would happen and holds the form that does it. */
export function Confirm(props: {
  readonly title: string;
  readonly text: string;
  readonly children: ReactNode;
}) {
  return (
    <details className="confirm">
      <summary className="button">{props.title}</summary>
      <div className="stack-small">
        <p>{props.text}</p>
        {props.children}
      </div>
    </details>
  );
}
