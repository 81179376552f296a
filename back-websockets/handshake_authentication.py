"""Authenticates the handshake of a socket: a valid ticket and an active session."""

import hashlib
import time

from shared.kit import ServiceClient
from shared.kit.auth.revocations import Revocations, SessionCheck
from shared.kit.errors import Forbidden, NotFound, Unauthenticated
from shared.models.auth import RedeemTicket, TicketHolder


class HandshakeAuthentication:
    """Every method raises Unavailable when back-redis or back-auth can't be asked."""

    def __init__(
        self,
        redis: ServiceClient,
        revocations: Revocations,
        is_active: SessionCheck,
        *,
        ticket_seconds: int,
    ) -> None:
        self._redis = redis
        self._revocations = revocations
        self._is_active = is_active
        self._ticket_seconds = ticket_seconds

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

    async def check_session(self, holder: TicketHolder) -> None:
        """Raises Unauthenticated, `session_revoked`, when the session was revoked."""
        try:
            await self._revocations.check(
                holder.sid, holder.user_id, time.time() - self._ticket_seconds
            )
        except Unauthenticated:
            # The ticket may have been issued shortly before or after the revocation of all of the
            # user's sessions; its time of issue is not known, so the session's state decides.
            if not await self._is_active(holder.sid):
                raise
