"""Responses to repeated requests, as back-redis keeps them."""

from shared.kit import ServiceClient
from shared.models.idempotency import AbandonRequest, BeginRequest, FinishRequest, RequestState


class RedisResponses:
    """The response store of the kit, over HTTP."""

    def __init__(self, redis: ServiceClient) -> None:
        self._redis = redis

    async def begin(self, request: BeginRequest) -> RequestState:
        return await self._redis.post("/idempotency/begin", request, response_model=RequestState)

    async def finish(self, request: FinishRequest) -> None:
        await self._redis.post("/idempotency/finish", request)

    async def abandon(self, request: AbandonRequest) -> None:
        await self._redis.post("/idempotency/abandon", request)
