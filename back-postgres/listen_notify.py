"""Notifies long polls of new deliveries, by LISTEN/NOTIFY."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import asyncpg
import structlog

from database import connect
from settings import Settings

log = structlog.get_logger()

CHANNEL = "deliveries"
_RETRY_AFTER = 0.5  # seconds


class DeliveryNotifications:
    """One listening connection for the whole process, reopened when it breaks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._waiting: dict[asyncio.Event, frozenset[str]] = {}

    @contextmanager
    def for_consumers(self, consumers: Sequence[str]) -> Iterator[asyncio.Event]:
        """An event that is set whenever one of `consumers` may have deliveries to claim."""
        woken = asyncio.Event()
        self._waiting[woken] = frozenset(consumers)
        try:
            yield woken
        finally:
            del self._waiting[woken]

    async def listen(self) -> None:
        """Listen until cancelled. Without a connection, long polls fall back to polling."""
        reached = True
        while True:
            try:
                await self._listen_once()
                reached = True
            except (OSError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
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
            self._wake_all()
            await broken.wait()
        finally:
            connection.terminate()

    def _wake(self, _: object, __: int, ___: str, consumer: object) -> None:
        for woken, consumers in self._waiting.items():
            if consumer in consumers:
                woken.set()

    def _wake_all(self) -> None:
        for woken in self._waiting:
            woken.set()
