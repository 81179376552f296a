"""Calls to the service as one of its callers."""

import asyncio
from collections.abc import Mapping
from time import monotonic

from pydantic import BaseModel

from shared.models.event import Deliveries, Delivery
from shared.testing.asgi_client import AsgiClient, AsgiReply
from shared.testing.identities import Identities

Body = BaseModel | Mapping[str, object]


class Callers:
    """Every call says which service makes it."""

    def __init__(self, client: AsgiClient, keys: Identities) -> None:
        self.client = client
        self._keys = keys

    async def call(
        self,
        caller: str,
        method: str,
        path: str,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsgiReply:
        assertion = self._keys.assertion(caller=caller, to="back-postgres")
        return await self.client.request(
            method, path, json=body, headers=assertion | dict(headers or {})
        )

    async def api(self, method: str, path: str, body: Body | None = None) -> AsgiReply:
        return await self.call("back-api", method, path, body)

    async def auth(self, method: str, path: str, body: Body | None = None) -> AsgiReply:
        return await self.call("back-auth", method, path, body)

    async def workers(self, method: str, path: str, body: Body | None = None) -> AsgiReply:
        return await self.call("back-workers", method, path, body)

    async def claim(self, wait_seconds: float = 0) -> list[Delivery]:
        reply = await self.workers(
            "POST", "/deliveries/claim", {"consumers": ["mail"], "wait_seconds": wait_seconds}
        )
        assert reply.status == 200, reply.text
        return Deliveries.model_validate_json(reply.body).items

    async def until_ready(self, *, within: float = 20) -> None:
        end = monotonic() + within
        while (await self.client.get("/health/ready")).status != 200:
            assert monotonic() < end, "the service did not become ready"
            await asyncio.sleep(0.02)
