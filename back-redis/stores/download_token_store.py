"""Tokens that download a file once, kept by their hash."""

from settings import Settings
from shared.kit.errors import Gone, NotFound
from shared.models.export import KeepDownloadToken, RedeemedDownload
from valkey_client import ValkeyClient


class DownloadTokenStore:
    """Raises Unavailable, from every method, when Valkey can't answer."""

    def __init__(self, valkey: ValkeyClient, settings: Settings) -> None:
        self._valkey = valkey
        self._remembered_seconds = settings.used_link_remembered_seconds

    async def keep(self, token: KeepDownloadToken) -> None:
        holder = RedeemedDownload(task_id=token.task_id)
        await self._valkey.set(
            _remembered(token.token_hash), "1", expires_in=self._remembered_seconds
        )
        await self._valkey.set(
            _key(token.token_hash), holder.model_dump_json(), expires_in=token.expires_in
        )

    async def redeem(self, token_hash: str) -> RedeemedDownload:
        """Use up a token and return what it downloads.

        Raises:
            Gone: `link_expired`, it was used or is too old.
            NotFound: `link_not_found`, there was no such token in the last day.
        """
        kept = await self._valkey.get_and_delete(_key(token_hash))
        if kept is not None:
            return RedeemedDownload.model_validate_json(kept)
        if await self._valkey.exists(_remembered(token_hash)):
            raise Gone("The link was used or is too old.", code="link_expired")
        raise NotFound("There is no such link.", code="link_not_found")


def _key(token_hash: str) -> str:
    return f"download:{token_hash}"


def _remembered(token_hash: str) -> str:
    return f"download-remembered:{token_hash}"
