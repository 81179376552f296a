"""A real PostgreSQL, a database of its own for these tests, and the service in memory."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from database import Database, connect
from main import app
from migrate import migrate
from repositories.command_repository import CommandRepository
from repositories.delivery_repository import DeliveryRepository
from repositories.event_repository import EventRepository
from settings import Settings
from shared.testing.asgi_client import running
from shared.testing.identities import Identities, make_identities
from shared.testing.tcp_proxy import TcpProxy
from tests.callers import Callers
from tests.database_clock import Clock, clock_that_stands

ROUTING = {"user.registered": ("mail", "audit"), "auth.logout": ("audit",)}
PATIENCE = {  # seconds: a machine that stands still for some is no outage
    "acquire_timeout": 20.0,
    "lock_timeout": 20.0,
    "statement_timeout": 20.0,
    "command_timeout": 25.0,
    "request_deadline": 60.0,
}


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Identities:
    folder = tmp_path_factory.mktemp("keys")
    made = make_identities(
        folder, "back-postgres", "back-api", "back-auth", "back-workers", "back-redis"
    )
    password = os.environ.get("TEST_POSTGRES_PASSWORD", "")
    (folder / "secrets" / "back-postgres" / "postgres.password").write_text(password)
    return made


@pytest.fixture(scope="session")
def empty_settings(keys: Identities) -> Iterator[Settings]:
    """Settings for a database without a schema."""
    host, port = os.environ.get("TEST_POSTGRES_HOST"), os.environ.get("TEST_POSTGRES_PORT")
    if not host or not port:
        pytest.fail("These tests need PostgreSQL: run `./dev test back-postgres`.", pytrace=False)
    env = keys.env("back-postgres")
    database = f"test_{uuid4().hex[:12]}"
    settings = Settings(
        secrets_dir=Path(env["SECRETS_DIR"]),
        public_keys_dir=Path(env["PUBLIC_KEYS_DIR"]),
        environment="test",
        postgres_host=host,
        postgres_port=int(port),
        postgres_database=database,
        pool_size=12,
    ).model_copy(update=PATIENCE)
    asyncio.run(administer(settings, f"CREATE DATABASE {database}"))
    yield settings
    asyncio.run(administer(settings, f"DROP DATABASE {database} WITH (FORCE)"))


async def administer(settings: Settings, statement: str) -> None:
    connection = await asyncpg.connect(
        host=settings.postgres_host,
        port=settings.postgres_port,
        user=settings.postgres_user,
        password=settings.secret("postgres.password"),
        database="postgres",
    )
    await connection.execute(statement)
    await connection.close()


@pytest.fixture(scope="session")
def settings(empty_settings: Settings) -> Settings:
    migrate(empty_settings, up=True)
    return empty_settings


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    async with Database(settings) as database:
        database.schema_is_ready()
        await empty(database)
        yield database


async def empty(database: Database) -> None:
    async with database.connection() as connection:
        # Quicker than TRUNCATE, which makes new files for every table and index.
        await connection.execute(
            "ALTER TABLE users DISABLE TRIGGER users_keep_an_admin_of_all;"
            "DELETE FROM deliveries; DELETE FROM events; DELETE FROM commands;"
            "DELETE FROM consumer_pauses; DELETE FROM users; DELETE FROM credentials;"
            "DELETE FROM mail_tokens; DELETE FROM tasks; DELETE FROM leases;"
            "ALTER TABLE users ENABLE TRIGGER users_keep_an_admin_of_all;"
            "DELETE FROM tools"
        )


@pytest.fixture
async def clock(settings: Settings) -> AsyncIterator[Clock]:
    """A clock that stands still for every connection made from here on to the end of the test."""
    name = settings.postgres_database
    connection = await connect(settings)
    async with clock_that_stands(connection, name) as clock:
        yield clock
    await connection.close()


@pytest.fixture
def commands(database: Database) -> CommandRepository:
    return CommandRepository(database, EventRepository(ROUTING))


@pytest.fixture
def deliveries(database: Database, settings: Settings) -> DeliveryRepository:
    return DeliveryRepository(database, settings.retry_policy())


@pytest.fixture
def environment(
    settings: Settings, keys: Identities, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    """The variables that `main.app` reads."""
    variables = keys.env("back-postgres") | {
        "POSTGRES_HOST": settings.postgres_host,
        "POSTGRES_PORT": str(settings.postgres_port),
        "POSTGRES_DATABASE": settings.postgres_database,
    }
    variables |= {name.upper(): str(seconds) for name, seconds in PATIENCE.items()}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def woken_alone(environment: pytest.MonkeyPatch) -> None:
    """Disables polling: a long poll ends only by a notification."""
    environment.setenv("CLAIM_FALLBACK", "60")


@pytest.fixture
async def service(
    environment: pytest.MonkeyPatch, database: Database, keys: Identities
) -> AsyncIterator[Callers]:
    """The whole service in memory, on an empty database."""
    async with running(app()) as client:
        callers = Callers(client, keys)
        await callers.until_ready()
        yield callers


@pytest.fixture
async def engine(settings: Settings, environment: pytest.MonkeyPatch) -> AsyncIterator[TcpProxy]:
    """PostgreSQL behind a proxy that can be stopped; the service's variables point at it."""
    async with TcpProxy(settings.postgres_host, settings.postgres_port) as proxy:
        environment.setenv("POSTGRES_HOST", "127.0.0.1")
        environment.setenv("POSTGRES_PORT", str(proxy.port))
        yield proxy
