"""The health of a service as a page, for people who open `/health` in a browser.

It has no script and loads nothing, and it loads itself again every 5 s.
"""

import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta
from html import escape

from fastapi.responses import HTMLResponse

from shared.models.event_administration import ConsumerBacklog
from shared.models.health import Dependency, Health

REFRESH_SECONDS = 5

_SUMMARY = {
    "ok": "Everything that it needs works.",
    "degraded": "It answers, but something that it uses is down: some features do not work.",
    "down": "It is not ready: something that it can't work without is down.",
}

_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif;
        --line: light-dark(#d5d9e2, #3a4152); --muted: light-dark(#566074, #a5afc4);
        --ok: light-dark(#11703c, #5fd08e); --degraded: light-dark(#8a5a00, #f2b84b);
        --down: light-dark(#b3261e, #ff8f85); --surface: light-dark(#f6f7fa, #1a1e29); }
body { max-width: 52rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.125rem; margin: 2rem 0 0.5rem; }
p { margin: 0.25rem 0; }
.state { border-left: 0.375rem solid currentColor; background: var(--surface);
         padding: 1rem 1.25rem; border-radius: 0.25rem; margin: 1rem 0; }
.state p { color: CanvasText; }
.state strong { font-size: 1.25rem; }
.ok { color: var(--ok); } .degraded { color: var(--degraded); } .down { color: var(--down); }
.muted { color: var(--muted); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 0.4rem 0.75rem 0.4rem 0; border-bottom: 1px solid var(--line); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
summary { cursor: pointer; margin-top: 2rem; }
ul { columns: 14rem; padding-left: 1.25rem; }
:focus-visible { outline: 3px solid #f59e0b; outline-offset: 2px; }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta http-equiv="refresh" content="{refresh}">
<title>{service}: {status}</title>
<style nonce="{nonce}">{style}</style>
</head>
<body>
<main>
<h1>{service}</h1>
<p class="muted">Version {version}, up for {uptime}. This page loads again every {refresh} s;
programs get the same as JSON.</p>
<div class="state {status}"><strong>{status}</strong><p>{summary}</p></div>
<h2>What it depends on</h2>
{dependencies}
{backlog}
<details><summary>{contracts_count} contracts</summary><ul>{contracts}</ul></details>
</main>
</body>
</html>
"""


def health_page(health: Health) -> HTMLResponse:
    """`health` as a page, with a content security policy that allows its one style sheet."""
    nonce = secrets.token_urlsafe(16)
    page = _PAGE.format(
        refresh=REFRESH_SECONDS,
        nonce=nonce,
        style=_STYLE,
        service=escape(health.service),
        status=health.status,
        summary=_SUMMARY[health.status],
        version=escape(health.version),
        uptime=timedelta(seconds=round(health.uptime_seconds)),
        dependencies=_dependencies(health.dependencies),
        backlog=_backlog(health.backlog),
        contracts_count=len(health.contracts),
        contracts="".join(
            f"<li>{escape(name)} {escape(version)}</li>"
            for name, version in sorted(health.contracts.items())
        ),
    )
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; frame-ancestors 'none'"
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Vary": "Accept"}
    return HTMLResponse(page, headers=headers)


def _dependencies(dependencies: Sequence[Dependency]) -> str:
    if not dependencies:
        return "<p>Nothing.</p>"
    rows = (
        (
            escape(it.name),
            f'<span class="{it.state}">{it.state}</span>',
            f"{it.latency_ms:.1f} ms",
            escape(it.detail or ""),
        )
        for it in dependencies
    )
    return _table(("Name", "State", "Latency", "Detail"), rows)


def _backlog(backlog: Iterable[ConsumerBacklog] | None) -> str:
    if backlog is None:
        return ""
    rows = (
        (
            escape(it.consumer),
            '<span class="degraded">paused</span>' if it.paused else "",
            f"{it.pending + it.leased:,}",
            f"{it.dead:,} dead" if it.dead else "",
        )
        for it in backlog
    )
    table = _table(("Consumer", "State", "Open", "Dead letters"), rows)
    return f"<h2>Deliveries of events</h2>\n{table}"


def _table(names: tuple[str, str, str, str], rows: Iterable[tuple[str, str, str, str]]) -> str:
    """A table of four columns, the third of them numbers; cells are HTML."""
    kinds = ("", "", ' class="number"', "")
    head = "".join(f"<th{kind}>{name}</th>" for kind, name in zip(kinds, names, strict=True))
    body = "".join(
        f"<tr>{''.join(f'<td{kind}>{cell}</td>' for kind, cell in zip(kinds, row, strict=True))}"
        "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody>'
        "</table></div>"
    )
