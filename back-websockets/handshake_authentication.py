"""Authenticates the handshake of a socket: a valid ticket and an active session."""

import hashlib
from datetime import datetime

from shared.kit import ServiceClient
from shared.kit.auth.revocations import Revocations
from shared.kit.errors import Forbidden, NotFound, Unauthenticated
from shared.models.auth import RedeemTicket, TicketHolder


class HandshakeAuthentication:
    """Every method raises Unavailable when back-redis or back-auth can't be asked."""

    def __init__(self, redis: ServiceClient, revocations: Revocations) -> None:
        self._redis = redis
        self._revocations = revocations

    async def redeem(self, ticket: str) -> TicketHolder:
        """The holder of the ticket, which is used up by this call.

        Raises:
            Forbidden: `ticket_invalid`, the ticket is unknown, expired or used.
        """
        spent = RedeemTicket(ticket_hash=hashlib.sha256(ticket.encode()).hexdigest())
        try:
            return await self._redis.post("/tickets/redeem", spent, response_model=TicketHolder)
        except NotFound as unknown:
            raise Forbidden(
                "The ticket is not known, has run out or was used. Ask for another one.",
                code="ticket_invalid",
            ) from unknown

    async def session_end(self, holder: TicketHolder) -> datetime:
        """When the session ends unless it is refreshed.

        Raises:
            Unauthenticated: `session_revoked`, it has ended.
        """
        if holder.session_expires_at is None:
            raise Unauthenticated("The session has ended. Log in again.", code="session_revoked")
        await self._revocations.check(holder.sid, holder.user_id, holder.generation)
        return holder.session_expires_at
