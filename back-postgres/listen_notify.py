"""Notifies long polls of new deliveries, by LISTEN/NOTIFY."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import asyncpg
import structlog

from database import connect
from settings import Settings

if TYPE_CHECKING:
    from database import AnyConnection

log = structlog.get_logger()

CHANNEL = "deliveries"
_RETRY_AFTER = 0.5  # seconds
_HOLD = f"SELECT pg_advisory_lock_shared(hashtextextended('{CHANNEL}', 0))"
_RELEASE = f"SELECT pg_advisory_unlock_shared(hashtextextended('{CHANNEL}', 0))"
_ERRORS = (OSError, asyncpg.InterfaceError, asyncpg.PostgresError)


class DeliveryNotifications:
    """One listening connection for the whole process, reopened when it breaks.

    NOTIFY takes a lock of the whole cluster at the commit, so a writer notifies only while
    somebody waits: while a connection holds a shared advisory lock, which the writer then can't
    get for itself.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._waiting: dict[asyncio.Event, frozenset[str]] = {}
        self._connection: AnyConnection | None = None
        self._polls = 0
        self._held = False
        self._switching = asyncio.Lock()

    @contextmanager
    def for_consumers(self, consumers: Sequence[str]) -> Iterator[asyncio.Event]:
        """An event that is set whenever one of `consumers` may have deliveries to claim."""
        woken = asyncio.Event()
        self._waiting[woken] = frozenset(consumers)
        try:
            yield woken
        finally:
            del self._waiting[woken]

    @asynccontextmanager
    async def requested(self) -> AsyncIterator[None]:
        """A block in which writers notify; what was committed before must be looked for."""
        self._polls += 1
        try:
            await self._hold_or_release()
            yield
        finally:
            self._polls -= 1
            await self._hold_or_release()

    async def listen(self) -> None:
        """Listen until cancelled. Without a connection, long polls fall back to polling."""
        reached = True
        while True:
            try:
                await self._listen_once()
                reached = True
            except _ERRORS as error:
                if reached:
                    log.warning("listener_disconnected", error=f"{type(error).__name__}: {error}")
                reached = False
            await asyncio.sleep(_RETRY_AFTER)

    async def _listen_once(self) -> None:
        connection = await connect(self._settings)
        try:
            broken = asyncio.Event()
            connection.add_termination_listener(lambda _: broken.set())
            await connection.add_listener(CHANNEL, self._wake)
            self._connection, self._held = connection, False
            await self._hold_or_release()
            self._wake_all()
            await broken.wait()
        finally:
            self._connection = None
            connection.terminate()

    async def _hold_or_release(self) -> None:
        async with self._switching:
            connection, wanted = self._connection, self._polls > 0
            if connection is None or wanted == self._held:
                return
            try:
                await connection.execute(_HOLD if wanted else _RELEASE)
                self._held = wanted
            except (*_ERRORS, TimeoutError):
                connection.terminate()

    def _wake(self, _: object, __: int, ___: str, consumer: object) -> None:
        for woken, consumers in self._waiting.items():
            if consumer in consumers:
                woken.set()

    def _wake_all(self) -> None:
        for woken in self._waiting:
            woken.set()
