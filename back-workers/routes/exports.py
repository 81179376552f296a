from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse

from exports.download_links import DownloadLinks
from shared.kit.auth.guards import calls_with_scope
from shared.models.export import ExportLink


class CsvFile(FileResponse):
    """A CSV file, sent in pieces."""

    media_type = "text/csv"


def router(links: DownloadLinks) -> APIRouter:
    """Makes links to exports, and sends the file of a link once."""
    routes = APIRouter(prefix="/exports", tags=["exports"])

    @routes.post(
        "/{task_id}/link", status_code=201, dependencies=[calls_with_scope("exports:link")]
    )
    async def make_link(task_id: UUID) -> ExportLink:
        return await links.make(task_id)

    @routes.get(
        "/download", response_class=CsvFile, dependencies=[calls_with_scope("exports:download")]
    )
    async def download(token: Annotated[str, Query(min_length=20, max_length=100)]) -> CsvFile:
        path = await links.redeem(token)
        day = datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
        return CsvFile(path, filename=f"users-{day}.csv")

    return routes
