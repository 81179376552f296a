"""A real Cassandra, a keyspace of its own for these tests, and the service in memory."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from database import Database
from driver import Connection
from main import app
from migrate import migrate_up
from repositories import audit_repository, launch_repository, timeline_repository
from settings import Settings
from shared.testing.asgi_client import running
from shared.testing.identities import Identities, make_identities
from shared.testing.waiting import until_it_succeeds
from tests.callers import Callers


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Identities:
    folder = tmp_path_factory.mktemp("keys")
    made = make_identities(folder, "back-cassandra", "back-api", "back-auth", "back-workers")
    password = os.environ.get("TEST_CASSANDRA_PASSWORD", "")
    (folder / "secrets" / "back-cassandra" / "cassandra.password").write_text(password)
    return made


@pytest.fixture(scope="session")
def offline_settings(keys: Identities) -> Settings:
    """Settings for an engine that does not run."""
    env = keys.env("back-cassandra")
    return Settings(
        secrets_dir=Path(env["SECRETS_DIR"]),
        public_keys_dir=Path(env["PUBLIC_KEYS_DIR"]),
        environment="test",
        cassandra_port=1,
    )


@pytest.fixture(scope="session")
def engine_settings(offline_settings: Settings) -> Settings:
    """Settings for the engine and a keyspace that does not exist."""
    host, port = os.environ.get("TEST_CASSANDRA_HOST"), os.environ.get("TEST_CASSANDRA_PORT")
    if not host or not port:
        pytest.fail("These tests need Cassandra: run `./dev test back-cassandra`.", pytrace=False)
    return offline_settings.model_copy(
        update={
            "cassandra_host": host,
            "cassandra_port": int(port),
            "cassandra_user": "tools" if os.environ.get("TEST_CASSANDRA_PASSWORD") else "",
            "reconnect_after": 2.0,
            # A machine that stands still for some seconds is no outage.
            "connect_timeout": 20.0,
            "request_timeout": 20.0,
            "page_timeout": 20.0,
            "schema_timeout": 40.0,
            "call_timeout": 20.0,
            "request_deadline": 60.0,
            "requests_min": 128,
        }
    )


@pytest.fixture
async def connection(engine_settings: Settings) -> AsyncIterator[Connection]:
    connection = await Connection.open(engine_settings)
    yield connection
    await connection.close()


@pytest.fixture
async def empty_settings(
    engine_settings: Settings, connection: Connection
) -> AsyncIterator[Settings]:
    """Settings for a keyspace of this test alone, not made yet."""
    keyspace = f"test_{uuid4().hex[:12]}"
    yield engine_settings.model_copy(update={"cassandra_keyspace": keyspace})
    await connection.run(f"DROP KEYSPACE IF EXISTS {keyspace}")


@pytest.fixture(scope="session")
def settings(engine_settings: Settings) -> Iterator[Settings]:
    """Settings for a keyspace with its schema, shared by the tests."""
    keyspace = f"test_{uuid4().hex[:12]}"
    settings = engine_settings.model_copy(update={"cassandra_keyspace": keyspace})
    asyncio.run(prepare(settings))
    yield settings
    asyncio.run(drop(settings))


async def prepare(settings: Settings) -> None:
    connection = await Connection.open(settings)
    await migrate_up(connection, settings)
    await connection.close()


async def drop(settings: Settings) -> None:
    connection = await Connection.open(settings)
    await connection.run(f"DROP KEYSPACE {settings.cassandra_keyspace}")
    await connection.close()


@pytest.fixture
async def database(settings: Settings, connection: Connection) -> AsyncIterator[Database]:
    """The engine with an empty audit log."""
    async with connected(settings) as database:
        await empty(connection, settings.cassandra_keyspace)
        yield database


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Database]:
    statements = (
        *audit_repository.STATEMENTS,
        *timeline_repository.STATEMENTS,
        *launch_repository.STATEMENTS,
    )
    async with Database(settings, statements) as database:
        staying = asyncio.create_task(database.stay_connected())
        await until_it_succeeds(database.ping)
        yield database
        staying.cancel()
        await asyncio.gather(staying, return_exceptions=True)


async def empty(connection: Connection, keyspace: str) -> None:
    # Quicker than TRUNCATE, which makes a snapshot of every table.
    await connection.run(f"USE {keyspace}")
    for row in await connection.run("SELECT DISTINCT day FROM audit_by_day"):
        await connection.run("DELETE FROM audit_by_day WHERE day = %s", row["day"])
    for row in await connection.run("SELECT DISTINCT user_id FROM audit_by_user"):
        await connection.run("DELETE FROM audit_by_user WHERE user_id = %s", row["user_id"])
    await connection.run("DELETE FROM audit_days WHERE log = 'audit'")


@pytest.fixture
async def service(
    settings: Settings, keys: Identities, database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callers]:
    """The whole service on the engine."""
    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)
    async with running(app()) as client:
        callers = Callers(client, keys)
        await callers.until_ready()
        yield callers


def as_environment(settings: Settings) -> dict[str, str]:
    return {name.upper(): str(value) for name, value in settings.model_dump().items()}
