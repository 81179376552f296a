"""Events of this service on their way into the outbox of back-postgres."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import structlog

from shared.kit.errors import TimedOut, Unavailable
from shared.kit.http.client import ServiceClient
from shared.kit.http.context import Trace, correlated, trace
from shared.models.event import Command, Nothing, Recorded

log = structlog.get_logger()

QUEUE_MAX: Final = 1_000
RETRY_PAUSES_SECONDS: Final = (0.5, 1, 2, 4, 8, 15)
DRAIN_SECONDS: Final = 2.0


class PostgresOutbox:
    """An outbox over back-postgres, with a queue in memory for the events that may wait.

    A queued event is tried again for about half a minute, long enough for back-postgres to be
    restarted, and is given up after that with a log line. The queue holds `QUEUE_MAX` events.
    """

    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres
        self._queue: asyncio.Queue[tuple[Command[Nothing], Trace | None]] = asyncio.Queue(QUEUE_MAX)

    async def __aenter__(self) -> Self:
        self._worker = asyncio.create_task(self._work_off(), name="outbox")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._queue.join()
        self._worker.cancel()
        with suppress(asyncio.CancelledError):
            await self._worker

    async def record(self, command: Command[Nothing]) -> None:
        await self._postgres.post("/events", command, response_model=Recorded)

    def record_soon(self, command: Command[Nothing]) -> None:
        try:
            self._queue.put_nowait((command, trace()))
        except asyncio.QueueFull:
            _log_lost(command, reason="queue_full")

    async def _work_off(self) -> None:
        while True:
            command, origin = await self._queue.get()
            correlation = command.events[0].envelope.correlation_id
            with correlated(correlation, origin.traceparent if origin else None):
                await self._record_patiently(command)
            self._queue.task_done()

    async def _record_patiently(self, command: Command[Nothing]) -> None:
        for pause in (*RETRY_PAUSES_SECONDS, None):
            try:
                await self.record(command)
                return
            except (Unavailable, TimedOut) as error:
                if pause is None:
                    _log_lost(command, reason=error.code)
                    return
                await asyncio.sleep(pause)
            except Exception:
                # One event that can't be recorded must not stop those behind it.
                log.exception("event_refused")
                _log_lost(command, reason="refused")
                return


def _log_lost(command: Command[Nothing], *, reason: str) -> None:
    envelope = command.events[0].envelope
    log.error("event_lost", event_type=envelope.event_type, payload=envelope.payload, reason=reason)
