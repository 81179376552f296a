/** The filters of a list: a form that reads, so that the address names what is shown. */
import { useSendOnChoice } from "@tools-dashboard/front-kit/ui/index.ts";
import type { ReactNode } from "react";
import { Form } from "react-router";

/** Fields in a row with the button that applies them; a change of a select applies it at once. */
export function Filters(props: {
  readonly label: string;
  readonly submit: string;
  readonly children: ReactNode;
}) {
  return (
    <search>
      <Form
        className="filters"
        aria-label={props.label}
        autoComplete="off"
        {...useSendOnChoice()}
      >
        {props.children}
        <button type="submit" className="button">
          {props.submit}
        </button>
      </Form>
    </search>
  );
}
