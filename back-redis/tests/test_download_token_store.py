"""Download tokens are redeemed once."""

import asyncio
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from settings import Settings
from shared.kit.errors import Gone, NotFound
from shared.models.export import KeepDownloadToken, RedeemedDownload
from shared.testing.asgi_client import AsgiClient
from shared.testing.identities import Identities
from stores.download_token_store import DownloadTokenStore
from valkey_client import ValkeyClient

HASH = "a" * 64


@pytest.fixture
def tokens(valkey: ValkeyClient, settings: Settings) -> DownloadTokenStore:
    return DownloadTokenStore(valkey, settings)


def new_token(expires_in: int = 300) -> KeepDownloadToken:
    return KeepDownloadToken(token_hash=HASH, task_id=uuid4(), expires_in=expires_in)


class TestRedeem:
    async def test_once_and_then_it_is_gone(self, tokens: DownloadTokenStore) -> None:
        token = new_token()
        await tokens.keep(token)
        assert await tokens.redeem(HASH) == RedeemedDownload(task_id=token.task_id)
        with pytest.raises(Gone) as again:
            await tokens.redeem(HASH)
        assert again.value.code == "link_expired"

    async def test_of_ten_at_once_one_gets_it(self, tokens: DownloadTokenStore) -> None:
        await tokens.keep(new_token())
        redeemed = await asyncio.gather(
            *(tokens.redeem(HASH) for _ in range(10)), return_exceptions=True
        )
        assert [isinstance(answer, RedeemedDownload) for answer in redeemed].count(True) == 1

    async def test_again_for_the_download_that_used_it_up_alone(
        self, tokens: DownloadTokenStore, raw: Redis
    ) -> None:
        token = new_token()
        await tokens.keep(token)
        for _ in range(2):
            assert await tokens.redeem(HASH, "b" * 64) == RedeemedDownload(task_id=token.task_id)
        for other in ("c" * 64, None):
            with pytest.raises(Gone):
                await tokens.redeem(HASH, other)
        assert 3590 < await raw.ttl(f"download-used:{HASH}") <= 3600

    async def test_without_a_resume_hash_there_is_no_again(
        self, tokens: DownloadTokenStore
    ) -> None:
        await tokens.keep(new_token())
        await tokens.redeem(HASH)
        for anyone in (None, "b" * 64):
            with pytest.raises(Gone):
                await tokens.redeem(HASH, anyone)

    async def test_an_unknown_one_is_not_found(self, tokens: DownloadTokenStore) -> None:
        with pytest.raises(NotFound) as unknown:
            await tokens.redeem(HASH)
        assert unknown.value.code == "link_not_found"

    async def test_expires_and_is_remembered_for_a_day(
        self, tokens: DownloadTokenStore, raw: Redis
    ) -> None:
        await tokens.keep(new_token(expires_in=300))
        assert 290 < await raw.ttl(f"download:{HASH}") <= 300
        assert 86_390 < await raw.ttl(f"download-remembered:{HASH}") <= 86_400
        await raw.delete(f"download:{HASH}")
        with pytest.raises(Gone):
            await tokens.redeem(HASH)


class TestRoutes:
    async def test_keep_and_redeem(self, client: AsgiClient, keys: Identities) -> None:
        headers = keys.assertion(caller="back-workers", to="back-redis")
        token = new_token()
        kept = await client.post("/download-tokens", json=token, headers=headers)
        assert kept.status == 204
        body = {"token_hash": HASH}
        redeemed = await client.post("/download-tokens/redeem", json=body, headers=headers)
        assert redeemed.json() == {"task_id": str(token.task_id)}
        again = await client.post("/download-tokens/redeem", json=body, headers=headers)
        assert (again.status, again.json()["code"]) == (410, "link_expired")
