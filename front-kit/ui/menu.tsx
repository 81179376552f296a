/** A menu on the native `details`: it opens without JavaScript, and closes as one expects with it. */
import { useEffect, useRef } from "react";
import type { ReactNode } from "react";
import { useLocation } from "react-router";

export function Menu(props: {
  readonly label: string;
  readonly icon: ReactNode;
  readonly children: ReactNode;
}) {
  const menu = useRef<HTMLDetailsElement>(null);
  const { pathname } = useLocation();
  const before = useRef(pathname);
  const close = (): void => menu.current?.removeAttribute("open");
  useEffect(() => {
    if (before.current === pathname) return;
    before.current = pathname;
    menu.current?.removeAttribute("open");
  }, [pathname]);
  useEffect(() => {
    const outside = (event: PointerEvent): void => {
      if (event.target instanceof Node && !menu.current?.contains(event.target)) close();
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, []);
  return (
    <details
      className="menu"
      ref={menu}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        close();
        menu.current?.querySelector("summary")?.focus();
      }}
    >
      <summary className="icon-button" aria-label={props.label}>
        {props.icon}
      </summary>
      <div className="menu-panel">{props.children}</div>
    </details>
  );
}
