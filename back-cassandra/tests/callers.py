"""Calls to back-cassandra as one of its callers."""

from collections.abc import Sequence
from uuid import UUID

from shared.models.audit import AuditPage
from shared.models.event import EventEnvelope
from shared.testing.asgi_client import AsgiClient, AsgiReply
from shared.testing.identities import Identities
from shared.testing.service_callers import Body, ServiceCallers


class Callers(ServiceCallers):
    def __init__(self, client: AsgiClient, keys: Identities) -> None:
        super().__init__(client, keys, "back-cassandra")

    async def store(self, event: Body, caller: str = "back-workers") -> AsgiReply:
        return await self.call(caller, "POST", "/audit/events", event)

    async def store_all(
        self, events: Sequence[EventEnvelope], caller: str = "back-workers"
    ) -> AsgiReply:
        body = {"events": [event.model_dump(mode="json") for event in events]}
        return await self.call(caller, "POST", "/audit/events/batch", body)

    async def read(self, caller: str = "back-api", **params: str) -> AsgiReply:
        return await self.call(caller, "GET", "/audit/events", params=params)

    async def page(self, user_id: UUID | None = None, **params: str) -> AuditPage:
        if user_id is not None:
            params["user_id"] = str(user_id)
        reply = await self.read(**params)
        assert reply.status == 200, reply.text
        return AuditPage.model_validate_json(reply.body)
