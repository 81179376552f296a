"""Links that download the file of an export once."""

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from exports.export_file import path_of
from settings import Settings
from shared.kit import ServiceClient
from shared.kit.errors import Gone
from shared.models.export import (
    ExportLink,
    KeepDownloadToken,
    RedeemDownloadToken,
    RedeemedDownload,
)


@dataclass(frozen=True)
class Download:
    """A file from its byte `start` on, in the state `stat`.

    `tag` names this download and this state of the file. Who has it can go on with the download.
    """

    path: Path
    stat: os.stat_result
    tag: str
    start: int


class DownloadLinks:
    """Makes links and redeems them; back-redis keeps the hash of each token, never the token."""

    def __init__(self, redis: ServiceClient, settings: Settings) -> None:
        self._redis = redis
        self._settings = settings

    async def make(self, task_id: UUID) -> ExportLink:
        """A new link. Raises Gone `export_expired` when the file is removed."""
        self._file(task_id)
        token = secrets.token_urlsafe(32)
        seconds = self._settings.download_link_seconds
        keep = KeepDownloadToken(token_hash=_hash(token), task_id=task_id, expires_in=seconds)
        await self._redis.post("/download-tokens", keep, idempotent=True)
        url = f"{self._settings.public_base_url}/api/exports/download/{token}"
        return ExportLink(url=url, expires_in=seconds)

    async def redeem(self, token: str, tag: str | None = None, start: int = 0) -> Download:
        """Use up a link; the file that it downloads.

        The download that has the `tag` of the first answer goes on at `start`. It begins again
        where the file changed since, or has no byte there.

        Raises:
            NotFound: `link_not_found`.
            Gone: `link_expired`, it was used by another download or is too old; `export_expired`.
        """
        secret, _, seen = (tag or secrets.token_urlsafe(16)).partition(".")
        redeemed = await self._redis.post(
            "/download-tokens/redeem",
            RedeemDownloadToken(token_hash=_hash(token), resume_hash=_hash(secret)),
            response_model=RedeemedDownload,
            idempotent=True,
        )
        path = self._file(redeemed.task_id)
        stat = path.stat()
        state = f"{stat.st_mtime_ns:x}-{stat.st_size:x}"
        goes_on = seen == state and start < stat.st_size
        return Download(path, stat, f"{secret}.{state}", start if goes_on else 0)

    def _file(self, task_id: UUID) -> Path:
        path = path_of(self._settings.exports_dir, task_id)
        if not path.exists():
            raise Gone("The export is not kept any more.", code="export_expired")
        return path


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
