/** Buttons and links that look like buttons. */
import { useId } from "react";
import type { ComponentProps } from "react";
import { Link, useNavigation } from "react-router";
import { create } from "zustand";

import { useTexts } from "../i18n/react.tsx";
import { kitTexts } from "../i18n/kit.ts";

type Kind = "primary" | "secondary" | "quiet" | "danger";

interface Look {
  readonly kind?: Kind;
  readonly size?: "small" | "normal";
}

/** The button that was used last, of several that send forms of one page. */
const useLastUsed = create<{ readonly id: string | null }>()(() => ({ id: null }));

export function Button(props: ComponentProps<"button"> & Look) {
  const { kind = "secondary", size = "normal", type = "button", ...rest } = props;
  return <button {...rest} type={type} className="button" data-kind={kind} data-size={size} />;
}

export function ButtonLink(props: ComponentProps<typeof Link> & Look) {
  const { kind = "secondary", size = "normal", ...rest } = props;
  return <Link {...rest} className="button" data-kind={kind} data-size={size} />;
}

/**
 * Sends its form. While that is under way it says so and no button takes another click; it keeps the
 * focus, so it is not disabled. `busy` overrides the state of the page's navigation, as for a fetcher.
 */
export function SubmitButton(props: ComponentProps<"button"> & Look & { readonly busy?: boolean }) {
  const { kind = "primary", size = "normal", busy, children, ...rest } = props;
  const navigation = useNavigation();
  const t = useTexts(kitTexts);
  const sending = busy ?? (navigation.state !== "idle" && navigation.formMethod !== undefined);
  const id = useId();
  const used = useLastUsed((state) => state.id) === id;
  return (
    <button
      {...rest}
      type="submit"
      className="button"
      data-kind={kind}
      data-size={size}
      aria-disabled={sending || undefined}
      onClick={(event) => {
        if (sending) event.preventDefault();
        else useLastUsed.setState({ id });
      }}
    >
      {sending && used && busy === undefined ? t.sending : children}
    </button>
  );
}
