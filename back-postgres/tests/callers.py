"""Calls to back-postgres as one of its callers."""

from shared.models.event import Deliveries, Delivery
from shared.testing.asgi_client import AsgiClient, AsgiReply
from shared.testing.identities import Identities
from shared.testing.service_callers import Body, ServiceCallers


class Callers(ServiceCallers):
    def __init__(self, client: AsgiClient, keys: Identities) -> None:
        super().__init__(client, keys, "back-postgres")

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
