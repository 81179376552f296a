import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.trustedhost import TrustedHostMiddleware

import mailpit
import pages
from mail_folder import MailFolder, MailNotFound
from settings import Settings
from smtp import receiving


def app() -> FastAPI:
    """A local mailbox: SMTP in, a page and Mailpit's REST paths out."""
    settings = Settings()
    folder = MailFolder(
        settings.mailbox_dir, kept_mails=settings.kept_mails, kept_bytes=settings.kept_bytes
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(folder.load)
        async with receiving(settings, folder):
            yield

    api = FastAPI(
        title="Mailbox", version="1.0.0", lifespan=lifespan, docs_url=None, redoc_url=None
    )
    # DNS rebinding makes a browser send another host name.
    api.add_middleware(TrustedHostMiddleware, allowed_hosts=list(settings.allowed_hosts))
    api.include_router(mailpit.router(folder))
    api.include_router(pages.router(folder))
    api.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))

    @api.exception_handler(MailNotFound)
    async def mail_not_found(_: Request, error: MailNotFound) -> JSONResponse:
        return JSONResponse({"detail": f"There is no mail {error}."}, 404)

    @api.get("/livez", response_class=PlainTextResponse)
    @api.get("/readyz", response_class=PlainTextResponse)
    async def mailpit_health() -> str:
        return "ok"

    # The lifespan opens the folder and the SMTP port, so a process that answers is ready.
    @api.get("/health/live")
    @api.get("/health/ready")
    async def health() -> dict[str, str]:
        return {"status": "ok", "service": "mailbox"}

    return api
