"""Socket tickets: kept by their hash for some seconds and redeemed once."""

from shared.kit.errors import NotFound
from shared.models.auth import NewTicket, TicketHolder
from stores.session_store import SessionStore
from valkey_client import ValkeyClient


class TicketStore:
    """Raises Unavailable, from every method, when Valkey can't answer."""

    def __init__(self, valkey: ValkeyClient, sessions: SessionStore) -> None:
        self._valkey = valkey
        self._sessions = sessions

    async def keep(self, ticket: NewTicket) -> None:
        holder = TicketHolder(user_id=ticket.user_id, sid=ticket.sid, generation=ticket.generation)
        await self._valkey.set(
            _key(ticket.ticket_hash), holder.model_dump_json(), expires_in=ticket.expires_in
        )

    async def redeem(self, ticket_hash: str) -> TicketHolder:
        """Delete a ticket and return its holder.

        Raises:
            NotFound: `ticket_not_found`, it is unknown, expired or redeemed.
        """
        kept = await self._valkey.get_and_delete(_key(ticket_hash))
        if kept is None:
            raise NotFound("There is no such ticket.", code="ticket_not_found")
        holder = TicketHolder.model_validate_json(kept)
        session = await self._sessions.read(holder.sid)
        expires_at = session.expires_at if session.active else None
        return holder.model_copy(update={"session_expires_at": expires_at})


def _key(ticket_hash: str) -> str:
    return f"ticket:{ticket_hash}"
