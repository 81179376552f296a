// Shows new mails without a reload, so that the focus and the place of a reader stay.
const SECONDS = 2;

async function refresh() {
  const response = await fetch("/", { cache: "no-store" });
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const id of ["mails", "count"]) {
    const shown = document.getElementById(id);
    const next = fresh.getElementById(id);
    if (shown.innerHTML === next.innerHTML) continue;
    const focused = shown.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    shown.innerHTML = next.innerHTML;
    if (focused) shown.querySelector(`a[href="${focused}"]`)?.focus();
  }
  document.title = fresh.title;
}

async function keepFresh() {
  if (!document.hidden) await refresh().catch(() => {});
  setTimeout(keepFresh, SECONDS * 1000);
}

setTimeout(keepFresh, SECONDS * 1000);
