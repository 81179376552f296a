/** The nonce of a page's scripts; empty in the browser, where it is not readable. */
import { createContext, use } from "react";

export const NonceContext = createContext<string | undefined>(undefined);

export function useNonce(): string | undefined {
  return use(NonceContext);
}
