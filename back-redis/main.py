"""back-redis: sessions, rate limits, socket tickets and event streams in one Valkey."""

from fastapi import FastAPI

from pubsub import PubSub
from routes import limits, live, sessions, streams, tickets
from settings import Settings
from shared.kit import Service
from stores.limit_store import LimitStore
from stores.live_store import LiveStore
from stores.session_store import SessionStore
from stores.ticket_store import TicketStore
from valkey_client import ValkeyClient


def app() -> FastAPI:
    settings = Settings()
    service = Service(settings)
    valkey = service.resource(ValkeyClient(settings))
    pubsub = PubSub(valkey, settings, service.stopping)

    service.background(pubsub.follow)
    service.ready("valkey", valkey.ping)
    service.ready("streams", pubsub.ready)

    service.api.include_router(sessions.router(SessionStore(valkey, settings)))
    service.api.include_router(limits.router(LimitStore(valkey)))
    service.api.include_router(tickets.router(TicketStore(valkey)))
    service.api.include_router(live.router(LiveStore(valkey, settings)))
    service.api.include_router(streams.router(pubsub))
    return service.api
