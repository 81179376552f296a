/** Keeps a page up to date while something on it is still going on. */
import { useRetry } from "@tools-dashboard/front-kit/ui/index.ts";

/** Reads the page's data again every `seconds`, as long as it is shown. */
export function Following(props: { readonly seconds: number }) {
  useRetry(props.seconds);
  return null;
}
