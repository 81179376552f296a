"""An app and stores on a real Valkey, emptied before each test."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from main import app as make_app
from settings import Settings
from shared.testing.asgi_client import AsgiClient, running
from shared.testing.identities import Identities, make_identities
from shared.testing.tcp_proxy import TcpProxy
from stores.limit_store import LimitStore
from stores.live_store import LiveStore
from stores.response_store import ResponseStore
from stores.security_event_store import SecurityEventStore
from stores.session_store import SessionStore
from stores.ticket_store import TicketStore
from stores.unread_store import UnreadStore
from valkey_client import ValkeyClient

CALLERS = ("back-api", "back-auth", "back-websockets", "back-workers", "back-postgres")


@dataclass(frozen=True)
class Engine:
    """Where the Valkey for tests is."""

    host: str
    port: int
    password: str


@pytest.fixture(scope="session")
def engine() -> Engine:
    try:
        host, port = os.environ["TEST_VALKEY_HOST"], int(os.environ["TEST_VALKEY_PORT"])
    except KeyError:
        pytest.fail("These tests need a Valkey: run ./dev test back-redis", pytrace=False)
    return Engine(host, port, os.environ.get("TEST_VALKEY_PASSWORD", ""))


@pytest.fixture
def keys(tmp_path: Path) -> Identities:
    return make_identities(tmp_path, "back-redis", *CALLERS)


@pytest.fixture
def environment(keys: Identities, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = keys.env("back-redis") | {
        "VALKEY_HOST": engine.host,
        "VALKEY_PORT": str(engine.port),
        "VALKEY_USER": "back-redis",
        # A slow machine must not look like an outage.
        "VALKEY_TIMEOUT": "10",
        "SILENCE_MS": "10000",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (Path(variables["SECRETS_DIR"]) / "valkey.password").write_text(f"{engine.password}\n")


@pytest.fixture
async def raw(engine: Engine) -> AsyncIterator[Redis]:
    """A plain connection, to read the keys of the stores."""
    connection = Redis(
        host=engine.host,
        port=engine.port,
        username="back-redis" if engine.password else None,
        password=engine.password or None,
        decode_responses=True,
    )
    await connection.flushdb()
    yield connection
    await connection.aclose()


@pytest.fixture
def settings(environment: None) -> Settings:
    return Settings()


@pytest.fixture
async def valkey(settings: Settings, raw: Redis) -> AsyncIterator[ValkeyClient]:
    async with ValkeyClient(settings) as client:
        yield client


@pytest.fixture
def sessions(valkey: ValkeyClient, settings: Settings) -> SessionStore:
    return SessionStore(valkey, settings)


@pytest.fixture
def limits(valkey: ValkeyClient) -> LimitStore:
    return LimitStore(valkey)


@pytest.fixture
def events(valkey: ValkeyClient, settings: Settings) -> SecurityEventStore:
    return SecurityEventStore(valkey, settings)


@pytest.fixture
def tickets(valkey: ValkeyClient, sessions: SessionStore) -> TicketStore:
    return TicketStore(valkey, sessions)


@pytest.fixture
def responses(valkey: ValkeyClient, settings: Settings) -> ResponseStore:
    return ResponseStore(valkey, settings)


@pytest.fixture
def live(valkey: ValkeyClient, settings: Settings) -> LiveStore:
    return LiveStore(valkey, settings)


@pytest.fixture
def unread(valkey: ValkeyClient, settings: Settings) -> UnreadStore:
    return UnreadStore(valkey, settings)


@pytest.fixture
def app(environment: None, raw: Redis) -> FastAPI:
    return make_app()


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[AsgiClient]:
    async with running(app) as client:
        yield client


@pytest.fixture
async def proxy(
    environment: None, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[TcpProxy]:
    """A TCP proxy before Valkey, to interrupt; apps and stores made afterwards use it."""
    async with TcpProxy(engine.host, engine.port) as proxy:
        monkeypatch.setenv("VALKEY_TIMEOUT", "3")
        monkeypatch.setenv("SILENCE_MS", "3000")
        monkeypatch.setenv("VALKEY_HOST", "127.0.0.1")
        monkeypatch.setenv("VALKEY_PORT", str(proxy.port))
        yield proxy
