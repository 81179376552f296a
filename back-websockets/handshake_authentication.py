"""Who may open a socket: the holder of a fresh ticket whose session stands."""

import hashlib
import time

from shared.kit import ServiceClient
from shared.kit.auth.revocations import Revocations, SessionCheck
from shared.kit.errors import Forbidden, NotFound, Unauthenticated
from shared.models.auth import RedeemTicket, TicketHolder


class HandshakeAuthentication:
    """Every method raises Unavailable when it can't be told."""

    def __init__(
        self,
        redis: ServiceClient,
        revocations: Revocations,
        ask: SessionCheck,
        *,
        ticket_seconds: int,
    ) -> None:
        self._redis = redis
        self._revocations = revocations
        self._ask = ask
        self._ticket_seconds = ticket_seconds

    async def redeem(self, ticket: str) -> TicketHolder:
        """Whose ticket it is; it is spent now.

        Raises:
            Forbidden: `ticket_invalid`, it never was, has run out, or was redeemed before.
        """
        spent = RedeemTicket(ticket_hash=hashlib.sha256(ticket.encode()).hexdigest())
        try:
            return await self._redis.post("/tickets/redeem", spent, response_model=TicketHolder)
        except NotFound as unknown:
            raise Forbidden(
                "The ticket is not known, has run out or was used. Ask for another one.",
                code="ticket_invalid",
            ) from unknown

    async def must_stand(self, holder: TicketHolder) -> None:
        """Raises Unauthenticated, `session_revoked`, when the session has ended."""
        try:
            await self._revocations.check(
                holder.sid, holder.user_id, time.time() - self._ticket_seconds
            )
        except Unauthenticated:
            # The ticket doesn't tell whether it was made before or after a cut-off of its own
            # half minute, so here the session itself decides.
            if not await self._ask(holder.sid):
                raise
