"""The mailbox for people: a list of mails, and one mail."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mail_folder import MailFolder

LISTED_MAILS = 100

# The frame shows a stranger's HTML: it may open links in a new tab, and neither run scripts,
# nor send forms, nor load anything from elsewhere.
FRAME_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
FRAME_POLICY = (
    f"sandbox {FRAME_SANDBOX}; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
)
PAGE_POLICY = (
    "default-src 'none'; img-src data:; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def router(folder: MailFolder) -> APIRouter:
    pages = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    @pages.get("/")
    async def mails() -> HTMLResponse:
        page = templates.get_template("mails.html").render(
            mails=folder.newest()[:LISTED_MAILS], total=folder.total(), unread=folder.unread()
        )
        return HTMLResponse(page, headers={"Content-Security-Policy": PAGE_POLICY})

    @pages.get("/view/{mail_id}.html")
    async def html_body(mail_id: str) -> HTMLResponse:
        mail = await folder.open(folder.find(mail_id))
        page = f'<!doctype html><base target="_blank">{mail.html}'
        return HTMLResponse(page, headers={"Content-Security-Policy": FRAME_POLICY})

    @pages.get("/view/{mail_id}")
    async def mail(mail_id: str) -> HTMLResponse:
        stored = folder.find(mail_id)
        page = templates.get_template("mail.html").render(
            stored=stored, mail=await folder.open(stored), sandbox=FRAME_SANDBOX
        )
        return HTMLResponse(page, headers={"Content-Security-Policy": PAGE_POLICY})

    return pages
