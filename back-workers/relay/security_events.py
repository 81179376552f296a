"""Carries security events from back-redis, which stores them with their change, to the outbox."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn
from uuid import uuid5

import structlog

from outbox_client import ANSWER_SECONDS
from settings import Settings
from shared.kit import ServiceClient
from shared.kit.errors import CallFailed, Conflict, ServiceError, TimedOut, Unavailable
from shared.kit.http.context import correlated
from shared.models.auth import AcknowledgeSecurityEvents, SecurityEvents, StoredSecurityEvent
from shared.models.event import Command, Nothing, Recorded

log = structlog.get_logger()

PAGE = 100
AT_ONCE = 8
"""Users whose events are recorded at a time; those of one user are recorded in their order."""

PAUSE_MAX_SECONDS = 5
REFUSED_SECONDS = 30
"""How long an event that back-postgres refuses waits before it is sent again."""


class SecurityEventCarrier:
    """Records each event in the outbox, then acknowledges it.

    A repeat records nothing more, so several relays may run. An event that back-postgres refuses
    stays stored and holds up no other.
    """

    def __init__(self, redis: ServiceClient, postgres: ServiceClient, settings: Settings) -> None:
        self._redis = redis
        self._postgres = postgres
        self._wait_seconds = settings.claim_wait_seconds
        self._fallback = settings.claim_fallback_seconds
        self._counted = 0
        self._refused: dict[str, float] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def run(self, stopping: asyncio.Event) -> None:
        """Carry events until `stopping`; what is under way then is left to the next relay."""
        carrying = asyncio.create_task(self._carry_on())
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait({carrying, stopped}, return_when=asyncio.FIRST_COMPLETED)
        for task in (carrying, stopped):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await carrying

    async def _carry_on(self) -> NoReturn:
        pause = self._fallback
        while True:
            began = time.monotonic()
            try:
                with correlated(None):
                    carried = await self.carry(wait_seconds=self._wait_seconds)
            except ServiceError as error:
                if pause == self._fallback:
                    log.warning("security_events_waiting", reason=error.code)
                await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311  (jitter)
                pause = min(pause * 2, PAUSE_MAX_SECONDS)
            else:
                pause = self._fallback
                if not carried:
                    await asyncio.sleep(max(0, began + self._fallback - time.monotonic()))

    async def carry(self, *, wait_seconds: float = 0) -> int:
        """Carry every event that is stored; how many they were.

        Waits at most `wait_seconds` for the first. Raises ServiceError in an outage.
        """
        carried, after = 0, None
        while True:
            page = await self._page(after, 0 if after else wait_seconds)
            carried += await self._carry_page(page.items)
            if len(page.items) < PAGE:
                return carried
            after = page.items[-1].id

    async def _page(self, after: str | None, wait_seconds: float) -> SecurityEvents:
        page = await self._redis.get(
            "/security-events",
            params={"limit": PAGE, "after": after, "wait_seconds": wait_seconds},
            response_model=SecurityEvents,
            timeout=wait_seconds + ANSWER_SECONDS,
        )
        if page.counted > self._counted:
            log.info("security_events_counted", total=page.counted)
        self._counted = page.counted
        return page

    async def _carry_page(self, stored: Sequence[StoredSecurityEvent]) -> int:
        by_user = defaultdict(list)
        for event in stored:
            if self._refused.get(event.id, 0) <= time.monotonic():
                by_user[event.event.aggregate_id].append(event)
        recorded: list[str] = []
        outages = await asyncio.gather(
            *(self._record(events, recorded) for events in by_user.values())
        )
        if recorded:
            done = AcknowledgeSecurityEvents(ids=recorded)
            await self._redis.post(
                "/security-events/acknowledge", done, response_model=None, idempotent=True
            )
        for outage in filter(None, outages):
            raise outage
        return len(recorded)

    async def _record(
        self, events: Sequence[StoredSecurityEvent], recorded: list[str]
    ) -> ServiceError | None:
        """Record the events of one user and note their ids; the error that stopped it."""
        async with self._slots:
            for stored in events:
                try:
                    await self._record_one(stored)
                except ServiceError as error:
                    if _is_outage(error):
                        return error
                    self._refused[stored.id] = time.monotonic() + REFUSED_SECONDS
                    log.error(  # noqa: TRY400  (the traceback would quote the event)
                        "security_event_refused",
                        event_id=str(stored.event.envelope.event_id),
                        reason=error.detail,
                    )
                else:
                    self._refused.pop(stored.id, None)
                    recorded.append(stored.id)
        return None

    async def _record_one(self, stored: StoredSecurityEvent) -> None:
        envelope = stored.event.envelope
        command = Command[Nothing](
            command_id=uuid5(envelope.event_id, "security-event"),
            data=Nothing(),
            events=[stored.event],
        )
        with correlated(envelope.correlation_id, stored.traceparent):
            try:
                await self._postgres.post("/events", command, response_model=Recorded)
            except Conflict as error:
                if error.code != "event_exists":
                    raise


def _is_outage(error: ServiceError) -> bool:
    """Whether no event can be recorded at present, as opposed to this one."""
    if isinstance(error, CallFailed):
        return error.callee_status in {401, 403, 404, 405, 408, 429, 503}
    return isinstance(error, Unavailable | TimedOut)
