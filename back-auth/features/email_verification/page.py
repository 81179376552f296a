"""The page behind the link in a confirmation mail.

Opening it confirms nothing: the page asks for the password of the registration and posts both, as
JSON with JavaScript and as a form without. The page loads no other resources.
"""

import secrets
from html import escape

from fastapi.responses import HTMLResponse

from shared.kit.errors import ServiceError
from shared.models.user import PASSWORD_MAX_LENGTH

STYLE = """
:root { color-scheme: light dark; font: 1.125rem/1.5 system-ui, sans-serif; }
body { max-width: 34rem; margin: 15vh auto 0; padding: 0 1.5rem; }
label { display: block; margin-bottom: 0.25rem; }
input { font: inherit; width: 100%; box-sizing: border-box; padding: 0.6rem 0.75rem;
        margin-bottom: 1rem; border: 1px solid #6b7280; border-radius: 0.5rem; }
button { font: inherit; padding: 0.75rem 1.5rem; border: 0; border-radius: 0.5rem;
         background: #1d4ed8; color: #fff; cursor: pointer; }
button:focus-visible, input:focus-visible { outline: 3px solid #f59e0b; outline-offset: 2px; }
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
      body: JSON.stringify({
        token: form.elements.token.value,
        password: form.elements.password.value,
      }),
    });
    const body = await answer.json();
    outcome.textContent = answer.ok
      ? "Your address is confirmed. You can log in now."
      : body.detail;
    if (answer.ok || answer.status === 400) { form.remove(); } else { button.disabled = false; }
  } catch {
    outcome.textContent = "That did not work. Check your connection and try again.";
    button.disabled = false;
  }
});
"""

FORM = """
<p>Type the password that you registered with, to confirm that this address is yours.</p>
<form method="post" action="/auth/verify-email">
<input type="hidden" name="token" value="{token}">
<label for="password">Password</label>
<input type="password" id="password" name="password" autocomplete="current-password" required
       maxlength="{password_max}" autofocus>
<button type="submit">Confirm my address</button>
</form>
<p role="status">{outcome}</p>
<p>If you did not register, ignore the mail: without the password nothing happens.</p>
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


def confirmation_page(token: str, refusal: ServiceError | None = None) -> HTMLResponse:
    """The page with the form that posts the token and a password; it says why one was refused."""
    nonce = _nonce()
    content = FORM.format(
        token=escape(token),
        password_max=PASSWORD_MAX_LENGTH,
        outcome=escape(refusal.detail) if refusal else "",
        nonce=nonce,
        script=SCRIPT,
    )
    status = refusal.status if refusal else 200
    return _page("Confirm your address", content, nonce=nonce, status=status)


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
