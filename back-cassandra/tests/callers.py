"""Calls to the service as one of its callers."""

from collections.abc import Mapping
from uuid import UUID

from pydantic import BaseModel

from shared.kit.errors import Unavailable
from shared.models.audit import AuditPage
from shared.testing.asgi_client import AsgiClient, AsgiReply
from shared.testing.identities import Identities
from shared.testing.waiting import until_it_succeeds


class Callers:
    """Every call says which service makes it."""

    def __init__(self, client: AsgiClient, keys: Identities) -> None:
        self.client = client
        self._keys = keys

    async def until_ready(self, *, within: float = 15) -> None:
        async def ready() -> None:
            if (await self.client.get("/health/ready")).status != 200:
                raise Unavailable

        await until_it_succeeds(ready, within=within)

    async def store(
        self, event: BaseModel | Mapping[str, object], caller: str = "back-workers"
    ) -> AsgiReply:
        return await self.client.post(
            "/audit/events",
            json=event,
            headers=self._keys.assertion(caller=caller, to="back-cassandra"),
        )

    async def read(self, caller: str = "back-api", **params: str) -> AsgiReply:
        return await self.client.get(
            "/audit/events",
            params=params,
            headers=self._keys.assertion(caller=caller, to="back-cassandra"),
        )

    async def page(self, user_id: UUID | None = None, **params: str) -> AuditPage:
        if user_id is not None:
            params["user_id"] = str(user_id)
        reply = await self.read(**params)
        assert reply.status == 200, reply.text
        return AuditPage.model_validate_json(reply.body)
