"""back-redis: sessions, limits, tickets, unread counts and event streams in one Valkey."""

from fastapi import FastAPI

from pubsub import PubSub
from routes import (
    download_tokens,
    idempotency,
    limits,
    live,
    security_events,
    sessions,
    streams,
    tickets,
    unread,
    users,
)
from settings import Settings
from shared.kit import Service
from stores.download_token_store import DownloadTokenStore
from stores.limit_store import LimitStore
from stores.live_store import LiveStore
from stores.response_store import ResponseStore
from stores.security_event_store import SecurityEventStore
from stores.session_store import SessionStore
from stores.ticket_store import TicketStore
from stores.unread_store import UnreadStore
from valkey_client import ValkeyClient


def app() -> FastAPI:
    settings = Settings()
    service = Service(settings)
    valkey = service.resource(ValkeyClient(settings))
    pubsub = PubSub(valkey, settings, service.stopping)

    service.background(pubsub.follow)
    service.ready("valkey", valkey.ping)
    service.ready("streams", pubsub.ready)

    stored_sessions = SessionStore(valkey, settings)
    service.api.include_router(sessions.router(stored_sessions))
    stored_events = SecurityEventStore(valkey, settings)
    service.api.include_router(security_events.router(stored_events, pubsub))
    service.api.include_router(limits.router(LimitStore(valkey)))
    service.api.include_router(tickets.router(TicketStore(valkey, stored_sessions)))
    service.api.include_router(download_tokens.router(DownloadTokenStore(valkey, settings)))
    service.api.include_router(live.router(LiveStore(valkey, settings)))
    service.api.include_router(unread.router(UnreadStore(valkey, settings)))
    service.api.include_router(streams.router(pubsub))
    responses = ResponseStore(valkey, settings)
    service.api.include_router(idempotency.router(responses))
    service.api.include_router(users.router(responses))
    return service.api
