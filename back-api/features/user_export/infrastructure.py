"""Exports, as back-workers writes and keeps them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from features.user_export.domain import Begun, Download
from shared.kit import ServiceClient
from shared.models.export import ExportLink


class WorkerExports:
    """The exports over HTTP."""

    def __init__(self, workers: ServiceClient) -> None:
        self._workers = workers

    async def link(self, task_id: UUID) -> ExportLink:
        return await self._workers.post(f"/exports/{task_id}/link", response_model=ExportLink)

    @asynccontextmanager
    async def download(self, token: str, begun: Begun | None) -> AsyncIterator[Download]:
        where = {"tag": begun.tag, "start": begun.start} if begun else {}
        params = {"token": token, **where}
        async with self._workers.stream("/exports/download", params=params) as reply:
            headers = reply.headers
            yield Download(
                length=headers.get("content-length"),
                disposition=headers.get("content-disposition"),
                tag=headers.get("etag"),
                part=headers.get("content-range"),
                chunks=reply.chunks,
            )
