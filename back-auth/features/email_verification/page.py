"""The page behind the link in a confirmation mail.

Opening it confirms nothing, because mail scanners open links: a button posts the token, as JSON
with JavaScript and as a form without. The page loads no other resources.
"""

import secrets
from html import escape

from fastapi.responses import HTMLResponse

from shared.kit.errors import ServiceError

STYLE = """
:root { color-scheme: light dark; font: 1.125rem/1.5 system-ui, sans-serif; }
body { max-width: 34rem; margin: 15vh auto 0; padding: 0 1.5rem; }
button { font: inherit; padding: 0.75rem 1.5rem; border: 0; border-radius: 0.5rem;
         background: #1d4ed8; color: #fff; cursor: pointer; }
button:focus-visible { outline: 3px solid #f59e0b; outline-offset: 2px; }
button:disabled { opacity: 0.6; cursor: progress; }
"""

SCRIPT = """
const form = document.querySelector("form");
const outcome = document.querySelector("[role=status]");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  outcome.textContent = "One moment…";
  try {
    const answer = await fetch(form.getAttribute("action"), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: form.elements.token.value }),
    });
    const body = await answer.json();
    outcome.textContent = answer.ok
      ? "Your address is confirmed. You can log in now."
      : body.detail;
    if (answer.status < 500) { form.remove(); } else { button.disabled = false; }
  } catch {
    outcome.textContent = "That did not work. Check your connection and try again.";
    button.disabled = false;
  }
});
"""

FORM = """
<p>Click the button to confirm that this address is yours.</p>
<form method="post" action="/auth/verify-email">
<input type="hidden" name="token" value="{token}">
<button type="submit">Confirm my address</button>
</form>
<p role="status"></p>
<script nonce="{nonce}">{script}</script>
"""

LAYOUT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style nonce="{nonce}">{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""


def confirmation_page(token: str) -> HTMLResponse:
    """The page with the button that posts the token."""
    nonce = _nonce()
    content = FORM.format(token=escape(token), nonce=nonce, script=SCRIPT)
    return _page("Confirm your address", content, nonce=nonce)


def confirmed_page() -> HTMLResponse:
    """The answer to a form whose token was accepted."""
    return _page("Your address is confirmed", "<p>You can log in now.</p>", nonce=_nonce())


def refused_page(error: ServiceError) -> HTMLResponse:
    """The answer to a form whose token was refused."""
    content = f"<p>{escape(error.detail)}</p>"
    return _page("That did not work", content, nonce=_nonce(), status=error.status)


def _nonce() -> str:
    return secrets.token_urlsafe(16)


def _page(title: str, content: str, *, nonce: str, status: int = 200) -> HTMLResponse:
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(
        LAYOUT.format(title=escape(title), content=content, style=STYLE, nonce=nonce),
        status_code=status,
        headers={
            "Content-Security-Policy": policy,
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
