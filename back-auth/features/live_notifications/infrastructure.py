"""Tickets in back-redis."""

from uuid import UUID

from shared.kit.http.client import ServiceClient
from shared.models.auth import NewTicket


class RedisTickets:
    def __init__(self, redis: ServiceClient) -> None:
        self._redis = redis

    async def keep(
        self, ticket_hash: str, user_id: UUID, sid: UUID, generation: int, *, expires_in: int
    ) -> None:
        ticket = NewTicket(
            ticket_hash=ticket_hash,
            user_id=user_id,
            sid=sid,
            generation=generation,
            expires_in=expires_in,
        )
        await self._redis.post("/tickets", ticket, response_model=None, idempotent=True)
