"""`GET /ws/notifications`: a WebSocket that sends a user's events."""

from uuid import UUID

import structlog
from fastapi import APIRouter, WebSocket

from handshake_authentication import HandshakeAuthentication
from hub import Hub
from live_socket import Replay
from live_subscription import LiveSubscription
from session_expiry import SessionExpiry
from shared.kit.errors import InvalidRequest
from shared.models.live import NOTHING_SEEN

log = structlog.get_logger()


def router(
    authentication: HandshakeAuthentication,
    hub: Hub,
    subscription: LiveSubscription,
    expiry: SessionExpiry,
) -> APIRouter:
    routes = APIRouter()

    @routes.websocket("/ws/notifications")
    async def notifications(
        websocket: WebSocket, ticket: str = "", since: str | None = None
    ) -> None:
        # An error before `accept` refuses the handshake with problem+json.
        await hub.ready()
        await subscription.ready()
        last_seen = _event_id(since)
        holder = await authentication.redeem(ticket)
        with hub.joined(holder) as socket:
            replay = subscription.from_here() if last_seen == NOTHING_SEEN else Replay()
            expires_at = await authentication.session_end(holder)
            if last_seen and last_seen != NOTHING_SEEN:
                replay = await subscription.missed(holder.user_id, last_seen)
            await hub.ready()
            await websocket.accept()
            log.info("socket_opened", user_id=str(holder.user_id), sent_first=len(replay.messages))
            closing = await socket.serve(
                websocket,
                replay,
                lambda: hub.may_send(holder.user_id),
                expiry.ended(holder.sid, expires_at),
            )
            log.info(
                "socket_closed",
                user_id=str(holder.user_id),
                reason=closing.reason if closing else "the client left",
            )

    return routes


def _event_id(since: str | None) -> UUID | None:
    try:
        return None if since is None else UUID(since)
    except ValueError as error:
        raise InvalidRequest("`since` must be an event id.", code="since_invalid") from error
