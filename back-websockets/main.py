"""back-websockets: sends each user's events to the user's open sockets."""

from fastapi import FastAPI

from handshake_authentication import HandshakeAuthentication
from hub import Hub
from live_subscription import LiveSubscription
from routes import notifications
from session_expiry import SessionExpiry
from settings import Settings
from shared.kit import Connect, Service
from shared.kit.auth.revocations import Revocations, session_check


def app(connect: Connect | None = None) -> FastAPI:
    """The service; `connect` replaces the network in tests."""
    settings = Settings()
    service = Service(settings, connect=connect)
    redis = service.client("back-redis", settings.back_redis_url)
    auth = service.client("back-auth", settings.back_auth_url)

    hub = Hub(settings)
    subscription = LiveSubscription(redis, hub, replay_bytes=settings.socket_queue_bytes)
    service.background(subscription.follow)
    service.ready("live", subscription.ready)
    service.ready("sockets", hub.ready)
    service.drain(hub.drain)

    is_active = session_check(auth, "/internal/sessions")
    revocations = Revocations(redis, "/streams/revocations", is_active)
    revocations.watch(hub.close_revoked)
    service.background(revocations.follow)
    service.ready("revocations", revocations.ready)

    authentication = HandshakeAuthentication(redis, revocations)
    expiry = SessionExpiry(auth)
    service.api.include_router(notifications.router(authentication, hub, subscription, expiry))
    return service.api
