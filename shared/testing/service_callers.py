"""Calls to a service under test with the assertion of a calling service."""

from collections.abc import Mapping

from pydantic import BaseModel

from shared.testing.asgi_client import AsgiClient, AsgiReply
from shared.testing.identities import Identities
from shared.testing.waiting import until

Body = BaseModel | Mapping[str, object]


class ServiceCallers:
    """Calls the service `callee`, an app in memory, as any service that has an identity."""

    def __init__(self, client: AsgiClient, identities: Identities, callee: str) -> None:
        self.client = client
        self._identities = identities
        self._callee = callee

    async def call(
        self,
        caller: str,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsgiReply:
        assertion = self._identities.assertion(caller=caller, to=self._callee)
        return await self.client.request(
            method, path, json=body, params=params, headers=assertion | dict(headers or {})
        )

    async def until_ready(self) -> None:
        async def is_ready() -> bool:
            return (await self.client.get("/health/ready")).status == 200

        await until(is_ready)
