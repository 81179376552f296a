/** Short messages at the edge of the page. */
import { useEffect } from "react";
import type { ReactNode } from "react";
import { create } from "zustand";

import { useTexts } from "../i18n/react.tsx";
import { kitTexts } from "../i18n/kit.ts";
import { CloseIcon } from "./icons.tsx";

const SHOWN_MAX = 3;
const SHOWN_SECONDS = 10;

export interface Toast {
  readonly id: string;
  readonly title: string;
  readonly body?: string;
  readonly kind?: "accent" | "success" | "danger";
}

interface Toasts {
  readonly items: readonly Toast[];
  readonly show: (toast: Toast) => void;
  readonly dismiss: (id: string) => void;
}

/** Messages that are shown; one with an id that is there replaces it. */
export const useToasts = create<Toasts>()((set) => ({
  items: [],
  show: (toast) =>
    set(({ items }) => ({
      items: [...items.filter(({ id }) => id !== toast.id), toast].slice(-SHOWN_MAX),
    })),
  dismiss: (id) => set(({ items }) => ({ items: items.filter((it) => it.id !== id) })),
}));

/** The place where messages appear; screen readers are told of each. */
export function ToastRegion() {
  const items = useToasts((state) => state.items);
  const t = useTexts(kitTexts);
  return (
    <ol className="toasts" role="log" aria-live="polite" aria-label={t.notifications}>
      {items.map((toast) => (
        <ToastItem key={toast.id} toast={toast} closeText={t.close} />
      ))}
    </ol>
  );
}

function ToastItem(props: { readonly toast: Toast; readonly closeText: string }): ReactNode {
  const { toast, closeText } = props;
  const dismiss = useToasts((state) => state.dismiss);
  useEffect(() => {
    const timer = setTimeout(() => dismiss(toast.id), SHOWN_SECONDS * 1000);
    return () => clearTimeout(timer);
  }, [toast, dismiss]);
  return (
    <li className="toast" data-kind={toast.kind ?? "accent"}>
      <div className="stack-small">
        <strong>{toast.title}</strong>
        {toast.body && <p className="small preserve-lines">{toast.body}</p>}
      </div>
      <button
        type="button"
        className="icon-button"
        aria-label={closeText}
        onClick={() => dismiss(toast.id)}
      >
        <CloseIcon />
      </button>
    </li>
  );
}
