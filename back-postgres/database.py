"""The pool of connections to PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

import asyncpg
from pydantic_core import from_json, to_json

from engine_errors import translated
from settings import Settings
from shared.kit.errors import Unavailable

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[asyncpg.Record]
    AnyConnection = asyncpg.Connection[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]


BATCH_ROWS = 500
BATCHES_MAX = 20


async def connect(settings: Settings) -> "AnyConnection":
    """A connection outside of the pool."""
    return await asyncpg.connect(
        host=settings.postgres_host,
        port=settings.postgres_port,
        user=settings.postgres_user,
        password=settings.secret("postgres.password"),
        database=settings.postgres_database,
        timeout=settings.acquire_timeout,
        command_timeout=settings.command_timeout,
        server_settings={"application_name": settings.service},
    )


class Database:
    """A connection pool that opens without PostgreSQL and reconnects after an outage.

    Every call raises Unavailable until `schema_is_ready` was called, and the errors of
    `engine_errors` later.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool: Pool | None = None
        self._schema_ready = False

    async def __aenter__(self) -> Self:
        settings = self._settings
        self._pool = await asyncpg.create_pool(
            host=settings.postgres_host,
            port=settings.postgres_port,
            user=settings.postgres_user,
            password=settings.secret("postgres.password"),
            database=settings.postgres_database,
            min_size=0,
            max_size=settings.pool_size,
            max_inactive_connection_lifetime=0,
            timeout=settings.acquire_timeout,
            command_timeout=settings.command_timeout,
            server_settings={
                "application_name": settings.service,
                # A plan that was cached while a table was small must not read all of it later.
                "enable_seqscan": "off",
                # Of a claim beside half a million open deliveries PostgreSQL expects so much work
                # that it would compile the statement, where it can. That takes longer than to run.
                "jit": "off",
                "statement_timeout": _milliseconds(settings.statement_timeout),
                "lock_timeout": _milliseconds(settings.lock_timeout),
                "idle_in_transaction_session_timeout": _milliseconds(settings.command_timeout * 2),
            },
            init=_read_jsonb,
            reset=_leave_as_it_is,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        try:
            async with asyncio.timeout(self._settings.acquire_timeout):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    def schema_is_ready(self) -> None:
        """Allow calls: the schema is up to date."""
        self._schema_ready = True

    async def ping(self) -> None:
        """Run a trivial statement. Raises Unavailable or TimedOut."""
        await self.row("SELECT 1")

    @asynccontextmanager
    async def connection(self) -> "AsyncIterator[Connection]":
        """A connection without a transaction: every statement commits."""
        pool = self._pool
        if pool is None or not self._schema_ready:
            raise Unavailable("The database is not ready yet.", retry_after=1)
        with translated():
            connection = await self._acquired(pool)
            try:
                yield connection
            finally:
                await pool.release(connection, timeout=self._settings.acquire_timeout)

    @asynccontextmanager
    async def transaction(self) -> "AsyncIterator[Connection]":
        """A connection in a transaction, rolled back when the block raises."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def row(self, statement: str, *values: object) -> "asyncpg.Record | None":
        """The first row of `statement`."""
        async with self.connection() as connection:
            return await connection.fetchrow(statement, *values)

    async def rows(self, statement: str, *values: object) -> "list[asyncpg.Record]":
        """All rows of `statement`."""
        async with self.connection() as connection:
            return await connection.fetch(statement, *values)

    async def in_batches(self, statement: str, *values: object) -> int:
        """Repeat a statement that returns the rows it changed; how many rows there were.

        Its last parameter is the most rows to change. It is repeated at most `BATCHES_MAX` times:
        what is left over waits for the next call.
        """
        changed = 0
        for _ in range(BATCHES_MAX):
            batch = len(await self.rows(statement, *values, BATCH_ROWS))
            changed += batch
            if batch < BATCH_ROWS:
                break
        return changed

    async def _acquired(self, pool: "Pool") -> "Connection":
        try:
            async with asyncio.timeout(self._settings.acquire_timeout):
                return await pool.acquire()
        except TimeoutError as error:
            raise Unavailable("No connection to the database is free.", retry_after=1) from error


async def _read_jsonb(connection: "AnyConnection") -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: to_json(value).decode(),
        decoder=from_json,
    )


async def _leave_as_it_is(_: "AnyConnection") -> None:
    # asyncpg rolls back open transactions itself. No session state outlives a transaction here, so
    # RESET ALL, a round trip at every release, is not needed.
    return


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
