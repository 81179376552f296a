"""Events in the outbox of back-postgres."""

from shared.kit.http.client import ServiceClient
from shared.models.event import Command, Nothing, Recorded


class PostgresEvents:
    """Stores events over HTTP."""

    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def record(self, command: Command[Nothing]) -> None:
        await self._postgres.post("/events", command, response_model=Recorded)
