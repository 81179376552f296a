"""`/api/admin/exports` and `/api/exports`."""

from contextlib import AbstractAsyncContextManager
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from features.user_export.domain import Download, UserExports
from services.actor import Actor
from shared.kit.auth.guards import CurrentUser, user_with_permission
from shared.kit.http.idempotency import Once
from shared.kit.http.network import client_network
from shared.models.export import ExportLink
from shared.models.task import BackgroundTask


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
            }
            if download.length:
                headers["Content-Length"] = download.length
            answer = StreamingResponse(download.chunks, headers=headers, media_type="text/csv")
            await answer(scope, receive, send)


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

    @routes.get("/api/exports/download/{token}", status_code=200, response_class=CsvDownload)
    async def download(
        token: Annotated[str, Path(min_length=20, max_length=100)],
    ) -> CsvDownload:
        return CsvDownload(exports.download(token))

    return routes
