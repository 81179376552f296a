from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

from exports.download_links import Download, DownloadLinks
from shared.kit.auth.guards import calls_with_scope
from shared.kit.http.app import partial_response
from shared.models.export import ExportLink


class CsvFile(FileResponse):
    """A CSV file, sent in pieces: 206 with the rest where the download goes on."""

    media_type = "text/csv"

    def __init__(self, download: Download) -> None:
        day = datetime.fromtimestamp(download.stat.st_mtime, UTC).date()
        super().__init__(
            download.path,
            headers={"ETag": f'"{download.tag}"'},
            filename=f"users-{day}.csv",
            stat_result=download.stat,
        )
        self._start = download.start

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wanted = [(b"range", f"bytes={self._start}-".encode())] if self._start else []
        await super().__call__({**scope, "headers": wanted}, receive, send)


def router(links: DownloadLinks) -> APIRouter:
    """Makes links to exports, and sends the file of a link once."""
    routes = APIRouter(prefix="/exports", tags=["exports"])

    @routes.post(
        "/{task_id}/link", status_code=201, dependencies=[calls_with_scope("exports:link")]
    )
    async def make_link(task_id: UUID) -> ExportLink:
        return await links.make(task_id)

    @routes.get(
        "/download",
        status_code=200,
        response_class=CsvFile,
        responses={206: partial_response("text/csv")},
        dependencies=[calls_with_scope("exports:download")],
    )
    async def download(
        token: Annotated[str, Query(min_length=20, max_length=100)],
        tag: Annotated[str | None, Query(max_length=100)] = None,
        start: Annotated[int, Query(ge=0)] = 0,
    ) -> CsvFile:
        return CsvFile(await links.redeem(token, tag, start))

    return routes
