"""Events of this service, stored in the outbox of back-postgres."""

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


class PostgresEventPublisher:
    """An event publisher over back-postgres, with a queue in memory for `publish_soon`.

    A queued event is retried for about half a minute, long enough for a restart of back-postgres;
    after that it is dropped and logged as `event_lost`. The queue holds `QUEUE_MAX` events.
    """

    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres
        self._queue: asyncio.Queue[tuple[Command[Nothing], Trace | None]] = asyncio.Queue(QUEUE_MAX)

    async def __aenter__(self) -> Self:
        self._worker = asyncio.create_task(self._drain(), name="event-publisher")
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

    async def publish(self, command: Command[Nothing]) -> None:
        await self._postgres.post("/events", command, response_model=Recorded)

    def publish_soon(self, command: Command[Nothing]) -> None:
        try:
            self._queue.put_nowait((command, trace()))
        except asyncio.QueueFull:
            _log_lost(command, reason="queue_full")

    async def _drain(self) -> None:
        while True:
            command, origin = await self._queue.get()
            correlation = command.events[0].envelope.correlation_id
            with correlated(correlation, origin.traceparent if origin else None):
                await self._publish_with_retries(command)
            self._queue.task_done()

    async def _publish_with_retries(self, command: Command[Nothing]) -> None:
        for pause in (*RETRY_PAUSES_SECONDS, None):
            try:
                await self.publish(command)
                return
            except (Unavailable, TimedOut) as error:
                if pause is None:
                    _log_lost(command, reason=error.code)
                    return
                log.warning("event_retried", reason=error.code, again_in=pause)
                await asyncio.sleep(pause)
            except Exception:
                # A refused event must not stop the events behind it in the queue.
                log.exception("event_refused")
                _log_lost(command, reason="refused")
                return


def _log_lost(command: Command[Nothing], *, reason: str) -> None:
    envelope = command.events[0].envelope
    log.error("event_lost", event_type=envelope.event_type, payload=envelope.payload, reason=reason)
