"""Single-use tickets that open a WebSocket, where browsers can't send an Authorization header."""

from typing import Protocol
from uuid import UUID

from services.secret_service import new_secret, secret_hash


class Tickets(Protocol):
    """Stores tickets until they are redeemed."""

    async def keep(
        self, ticket_hash: str, user_id: UUID, sid: UUID, generation: int, *, expires_in: int
    ) -> None: ...


class TicketService:
    """Issues tickets that are valid for `expires_in` seconds."""

    def __init__(self, tickets: Tickets, *, expires_in: int) -> None:
        self._tickets = tickets
        self.expires_in = expires_in

    async def issue(self, user_id: UUID, sid: UUID, generation: int) -> str:
        """A new ticket for a session of the user, of that generation."""
        ticket = new_secret()
        await self._tickets.keep(
            secret_hash(ticket), user_id, sid, generation, expires_in=self.expires_in
        )
        return ticket
