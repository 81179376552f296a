"""Tokens that download a file once, kept by their hash.

The download that used up a token can go on after its connection broke, nobody else.
"""

from settings import Settings
from shared.kit.errors import Gone, NotFound
from shared.models.export import KeepDownloadToken, RedeemedDownload
from valkey_client import Script, ValkeyClient


class DownloadTokenStore:
    """Raises Unavailable, from every method, when Valkey can't answer."""

    def __init__(self, valkey: ValkeyClient, settings: Settings) -> None:
        self._valkey = valkey
        self._redeem: Script[str | None] = valkey.script("redeem_download")
        self._remembered_seconds = settings.used_link_remembered_seconds
        self._resume_seconds = settings.download_resume_seconds

    async def keep(self, token: KeepDownloadToken) -> None:
        holder = RedeemedDownload(task_id=token.task_id)
        await self._valkey.set(
            _remembered(token.token_hash), "1", expires_in=self._remembered_seconds
        )
        await self._valkey.set(
            _key(token.token_hash), holder.model_dump_json(), expires_in=token.expires_in
        )

    async def redeem(self, token_hash: str, resume_hash: str | None = None) -> RedeemedDownload:
        """Use up a token and return what it downloads.

        A repeat with the same `resume_hash` gets the same for `download_resume_seconds`.

        Raises:
            Gone: `link_expired`, it was used by another download or is too old.
            NotFound: `link_not_found`, there was no such token in the last day.
        """
        kept = await self._redeem(
            [_key(token_hash), f"download-used:{token_hash}"],
            [resume_hash or "", self._resume_seconds],
        )
        if kept is not None:
            return RedeemedDownload.model_validate_json(kept)
        if await self._valkey.exists(_remembered(token_hash)):
            raise Gone("The link was used or is too old.", code="link_expired")
        raise NotFound("There is no such link.", code="link_not_found")


def _key(token_hash: str) -> str:
    return f"download:{token_hash}"


def _remembered(token_hash: str) -> str:
    return f"download-remembered:{token_hash}"
