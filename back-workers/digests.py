"""The daily digest: whose hour has come, and what it covers."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo, available_timezones

import structlog

from shared.kit import ServiceClient
from shared.kit.http.context import correlation_id
from shared.models.event import Command, Recorded
from shared.models.notification import (
    DigestDue,
    DigestZone,
    DueDigest,
    DueDigests,
    FindDueDigests,
    RecordDigest,
)

log = structlog.get_logger()

PAGE = 200

CATCH_UP_DAYS = 7
"""A digest reaches back to the one before, at most so many days."""


def due_zones(
    moment: datetime, hour: int, timezones: Iterable[str] | None = None
) -> list[DigestZone]:
    """The time zones in which it is `hour` or later, with their dates."""
    zones = []
    for timezone in sorted(available_timezones() if timezones is None else timezones):
        local = moment.astimezone(ZoneInfo(timezone))
        if local.hour >= hour:
            zones.append(DigestZone(timezone=timezone, local_date=local.date()))
    return zones


def span_of(due: DueDigest, hour: int) -> tuple[datetime, datetime]:
    """What a digest covers, from the hour of the one before to that of its own date, in UTC.

    A day of a clock change has 23 or 25 hours; no moment is in two digests or in none.
    """
    earliest = due.local_date - timedelta(days=CATCH_UP_DAYS)
    before = due.local_date - timedelta(days=1)
    if due.last_date is not None:
        before = min(before, max(earliest, due.last_date))
    return _at(before, hour, due.timezone), _at(due.local_date, hour, due.timezone)


async def send_digests(postgres: ServiceClient, *, hour: int, moment: datetime) -> int:
    """Publish `digest.due` for each user whose digest is due at `moment`; how many.

    A user and a date are one command, so that two that run side by side publish one event.
    """
    zones = due_zones(moment, hour)
    sent = 0
    while zones:
        found = await postgres.post(
            "/digests/due",
            FindDueDigests(zones=zones, limit=PAGE),
            response_model=DueDigests,
            idempotent=True,
        )
        for due in found.items:
            await postgres.post("/digests", _command(due, hour), response_model=Recorded)
        sent += len(found.items)
        if len(found.items) < PAGE:
            break
    log.info("digests_sent", sent=sent)
    return sent


def _command(due: DueDigest, hour: int) -> Command[RecordDigest]:
    since, until = span_of(due, hour)
    return Command.with_event(
        "digest.due",
        DigestDue(user_id=due.user_id, local_date=due.local_date, since=since, until=until),
        data=RecordDigest(user_id=due.user_id, local_date=due.local_date),
        aggregate_id=due.user_id,
        command_id=command_of(due.user_id, due.local_date),
        correlation_id=correlation_id(),
    )


def command_of(user_id: UUID, local_date: date) -> UUID:
    """The command of the digest of a user for a date."""
    return uuid5(user_id, f"digest {local_date.isoformat()}")


def _at(day: date, hour: int, timezone: str) -> datetime:
    return datetime.combine(day, time(hour), ZoneInfo(timezone)).astimezone(UTC)
