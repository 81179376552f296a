"""The connection to Cassandra, kept open and replaced when it is lost."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Self

import structlog

from driver import Connection, Row, Write
from migrate import MigrationError, migrate_up
from settings import Settings
from shared.kit.errors import ServiceError, Unavailable

log = structlog.get_logger()

_FIRST_PAUSE = 0.25  # seconds, doubled at each failure
_LONGEST_PAUSE = 1.0
_BETWEEN_PINGS = 1.0


class Database:
    """A connection to a Cassandra that may start after the service and fail at any time.

    `stay_connected` connects, migrates the schema, and reconnects when nothing answered for a
    while: the driver itself gives up on a node that refused a log-in once, and does not resolve
    a host name again. Until then every call raises Unavailable. `statements` are those that the
    repositories use; they are prepared on connecting.
    """

    def __init__(self, settings: Settings, statements: Iterable[str]) -> None:
        self._settings = settings
        self._statements = tuple(statements)
        self._connection: Connection | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._disconnect()

    async def ping(self) -> None:
        await self._connected().ping()

    async def rows(self, statement: str, *values: object) -> list[Row]:
        """The rows of a `SELECT` of `statements`; `?` is a placeholder."""
        return await self._connected().rows(statement, *values)

    async def write(self, *partitions: Sequence[Write]) -> None:
        """Run writes of `statements`, those of each partition as one unlogged batch."""
        await self._connected().write(*partitions)

    async def stay_connected(self) -> None:
        """Connect, and reconnect until cancelled."""
        while True:
            self._connection = await self._connect()
            log.info("cassandra_connected")
            try:
                await self._until_lost()
                log.warning("cassandra_lost")
            finally:
                await self._disconnect()

    def _connected(self) -> Connection:
        if self._connection is None:
            raise Unavailable("Cassandra is not connected yet.", retry_after=1)
        return self._connection

    async def _connect(self) -> Connection:
        pause = _FIRST_PAUSE
        said = ""
        while True:
            try:
                return await self._ready_connection()
            except (ServiceError, MigrationError) as error:
                reason = f"{error} {error.__cause__ or ''}".strip()
                if reason != said:
                    log.warning("cassandra_unreachable", reason=reason)
                said = reason
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _ready_connection(self) -> Connection:
        connection = await Connection.open(self._settings)
        try:
            await migrate_up(connection, self._settings)
            await connection.use_keyspace(self._statements)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _until_lost(self) -> None:
        answered = time.monotonic()
        while time.monotonic() - answered < self._settings.reconnect_after:
            await asyncio.sleep(_BETWEEN_PINGS)
            try:
                await self.ping()
            except ServiceError:
                continue
            answered = time.monotonic()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
