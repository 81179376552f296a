/** What holds between the first sight of a page and the moment at which its scripts listen. */
import { useEffect } from "react";

/** How long a form that was sent is not sent again; into another tab, only a double click is. */
const REPEAT_SECONDS = 10;
export const DOUBLE_CLICK_SECONDS = 1;

/**
 * A script for the head of the page: a form that changes something is not sent twice by impatient
 * clicks. Forms that React sends are not its concern, nor those with other values.
 */
export const SEND_ONCE = `(() => {
  let sent = "", until = 0;
  addEventListener("pageshow", () => { sent = ""; });
  addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    const values = new URLSearchParams(new FormData(form, event.submitter));
    const sending = form.action + " " + values;
    if (sending === sent && Date.now() < until) return event.preventDefault();
    sent = sending;
    until = Date.now() + (form.target ? ${DOUBLE_CLICK_SECONDS} : ${REPEAT_SECONDS}) * 1000;
  });
})();`;

/** Shows what only works with script: `.scripted` in `base.css`. */
export function useShowScripted(): void {
  useEffect(() => {
    document.documentElement.dataset["scripts"] = "listening";
  }, []);
}

/** Whether React listens to the page, not only renders it. */
export function scriptsListen(): boolean {
  return document.documentElement.dataset["scripts"] === "listening";
}
