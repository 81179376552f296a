/** The frame of every page: head, skip link, header, main, footer, and where the focus goes. */
import { useEffect, useRef } from "react";
import type { ReactNode } from "react";
import { Form, Link, useLocation } from "react-router";

import { LOCALES } from "../i18n/index.ts";
import { useLocale, useTexts } from "../i18n/react.tsx";
import { kitTexts } from "../i18n/kit.ts";
import { useSendOnChoice } from "./form.tsx";
import { BrandIcon } from "./icons.tsx";
import { BusyBar } from "./navigation.tsx";

const LANGUAGE_NAMES = { en: "English", es: "Español" } as const;
const THEME_NAMES = ["system", "light", "dark"] as const;

/** The title of the page and its heading, with what can be done beside it. */
export function PageHead(props: {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly children?: ReactNode;
}) {
  return (
    <div className="page-head">
      <PageTitle title={props.title} />
      <div className="page-head-text">
        <h1 tabIndex={-1}>{props.title}</h1>
        {props.lead && <p className="lead">{props.lead}</p>}
      </div>
      {props.children && <div className="row">{props.children}</div>}
    </div>
  );
}

/** The title in the browser's tab. */
export function PageTitle(props: { readonly title: string }) {
  const t = useTexts(kitTexts);
  return <title>{`${props.title} · ${t.product}`}</title>;
}

/** `nav` and `tools` stand in the header; `footer` beside the choices of language and theme. */
export function PageFrame(props: {
  readonly home: string;
  readonly nav?: ReactNode;
  readonly tools?: ReactNode;
  readonly footer?: ReactNode;
  readonly theme: string;
  readonly children: ReactNode;
}) {
  const t = useTexts(kitTexts);
  useFocusOnNavigation();
  return (
    <>
      <a className="skip-link" href="#content">
        {t.skipToContent}
      </a>
      <BusyBar />
      <header className="site-header">
        <div className="site-header-row">
          <Link className="brand" to={props.home}>
            <BrandIcon />
            <span className="brand-name">{t.product}</span>
          </Link>
          {props.nav}
          {props.tools && <div className="site-tools">{props.tools}</div>}
        </div>
      </header>
      <main className="site-main" id="content" tabIndex={-1}>
        {props.children}
      </main>
      <footer className="site-footer">
        <div className="site-footer-row">
          {props.footer}
          <Choices theme={props.theme} />
        </div>
      </footer>
    </>
  );
}

/** Language and theme. The form is sent by a change, and by its button without JavaScript. */
function Choices(props: { readonly theme: string }) {
  const t = useTexts(kitTexts);
  const locale = useLocale();
  const location = useLocation();
  const returnTo = `${location.pathname}${location.search}`;
  return (
    <Form
      method="post"
      action="/choices"
      className="row"
      preventScrollReset
      {...useSendOnChoice()}
    >
      <input type="hidden" name="return_to" value={returnTo} />
      <label className="row">
        {t.language}
        <select
          key={locale}
          className="input"
          data-size="small"
          name="locale"
          defaultValue={locale}
          autoComplete="off"
        >
          {LOCALES.map((it) => (
            <option key={it} value={it} lang={it}>
              {LANGUAGE_NAMES[it]}
            </option>
          ))}
        </select>
      </label>
      <label className="row">
        {t.theme}
        <select
          key={props.theme}
          className="input"
          data-size="small"
          name="theme"
          defaultValue={props.theme}
          autoComplete="off"
        >
          {THEME_NAMES.map((it) => (
            <option key={it} value={it}>
              {t.themes[it]}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" className="button unscripted" data-size="small">
        {t.apply}
      </button>
    </Form>
  );
}

/** After a navigation the focus is on the new heading, so that screen readers read it. */
function useFocusOnNavigation(): void {
  const { pathname } = useLocation();
  const before = useRef(pathname);
  useEffect(() => {
    if (before.current === pathname) return;
    before.current = pathname;
    const heading = document.querySelector<HTMLElement>("main h1") ?? document.getElementById("content");
    heading?.focus();
  }, [pathname]);
}
