"""`/api/admin/exports` and `/api/exports`."""

import re
from contextlib import AbstractAsyncContextManager
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Path, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from features.user_export.domain import Begun, Download, UserExports
from services.actor import Actor
from shared.kit.auth.guards import CurrentUser, user_with_permission
from shared.kit.http.app import partial_response
from shared.kit.http.idempotency import Once
from shared.kit.http.network import client_network
from shared.models.export import ExportLink
from shared.models.task import BackgroundTask

_REST = re.compile(r"bytes=(\d{1,18})-")
_TAG = re.compile(r'"([\w.-]{1,100})"', re.ASCII)


class CsvDownload(Response):
    """A CSV file, passed on as it arrives: it is opened when the answer is sent."""

    media_type = "text/csv"

    def __init__(self, opening: AbstractAsyncContextManager[Download]) -> None:
        super().__init__()
        self._opening = opening

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._opening as download:
            headers = {
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",  # the gateway would keep the file in its own
                "Content-Disposition": download.disposition or "attachment",
                "Accept-Ranges": "bytes",
            }
            optional = {
                "Content-Length": download.length,
                "Content-Range": download.part,
                "ETag": download.tag,
            }
            headers |= {name: text for name, text in optional.items() if text}
            status = 206 if download.part else 200
            answer = StreamingResponse(download.chunks, status, headers, media_type="text/csv")
            await answer(scope, receive, send)


def _begun(wanted: str | None, tag: str | None) -> Begun | None:
    """What `Range` and `If-Range` go on with; other ranges are ignored, which RFC 9110 allows."""
    rest, named = _REST.fullmatch(wanted or ""), _TAG.fullmatch(tag or "")
    return Begun(named[1], int(rest[1])) if rest and named else None


def router(exports: UserExports) -> APIRouter:
    """Routes over `exports`."""
    routes = APIRouter(tags=["user-export"])
    exporting = [user_with_permission("users:export")]

    @routes.post(
        "/api/admin/exports/users",
        status_code=202,
        response_model=BackgroundTask,
        dependencies=exporting,
    )
    async def start(user: CurrentUser, request: Request, once: Once) -> Response:
        actor = Actor(user.id, client_network(request))
        return await once(user.id, lambda command_id: exports.start(actor, command_id))

    @routes.post("/api/exports/{task_id}/link", status_code=201, dependencies=exporting)
    async def link(task_id: UUID) -> ExportLink:
        return await exports.link(task_id)

    @routes.get(
        "/api/exports/download/{token}",
        status_code=200,
        response_class=CsvDownload,
        responses={206: partial_response("text/csv")},
    )
    async def download(
        token: Annotated[str, Path(min_length=20, max_length=100)],
        wanted: Annotated[str | None, Header(alias="Range")] = None,
        if_range: Annotated[str | None, Header(alias="If-Range")] = None,
    ) -> CsvDownload:
        return CsvDownload(exports.download(token, _begun(wanted, if_range)))

    return routes
