"""back-websockets: a user's own events on open sockets, as they happen."""

from fastapi import FastAPI

from handshake_authentication import Admission
from hub import Hub
from live_subscription import LiveSubscription
from routes import notifications
from settings import Settings
from shared.kit import Service, asks_back_auth
from shared.kit.auth.revocations import Revocations
from shared.kit.runtime.service import Connect


def app(connect: Connect | None = None) -> FastAPI:
    """The service; `connect` replaces the network in tests."""
    settings = Settings()
    service = Service(settings, connect=connect)
    redis = service.client("back-redis")
    auth = service.client("back-auth")
    service.depends(redis)
    service.depends(auth)

    hub = Hub(settings)
    subscription = LiveSubscription(redis, hub)
    service.background(subscription.follow)
    service.ready("live", subscription.ready)

    ask = asks_back_auth(auth)
    revocations = Revocations(redis, ask)
    revocations.watch(hub.end_revoked)
    service.background(revocations.follow)
    service.ready("revocations", revocations.ready)

    admission = Admission(redis, revocations, ask, ticket_seconds=settings.ticket_seconds)
    service.api.include_router(notifications.router(admission, hub, subscription))
    return service.api
