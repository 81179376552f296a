"""Security events, kept in a stream from the change that they tell of until the outbox has them."""

from collections.abc import Sequence

import structlog

from settings import Settings
from shared.kit.http.context import trace
from shared.models.auth import (
    RecordSecurityEvent,
    SecurityEventRecorded,
    SecurityEvents,
    StoredSecurityEvent,
)
from shared.models.event import NewEvent
from valkey_client import Entry, Script, ValkeyClient

SECURITY_EVENTS = "stream:security-events"
_COUNTS = "security-events:counts"

log = structlog.get_logger()


class SecurityEventStore:
    """Raises Unavailable, from every method, when Valkey can't answer."""

    def __init__(self, valkey: ValkeyClient, settings: Settings) -> None:
        self._valkey = valkey
        self._record: Script[str] = valkey.script("record_security_event")
        self._entries_max = settings.security_events_max

    async def record(self, new: RecordSecurityEvent) -> SecurityEventRecorded:
        """Store an event, or only count it; see `RecordSecurityEvent`."""
        span = trace()
        arguments: list[str | int] = [
            new.event.model_dump_json() if new.event else "",
            span.traceparent if span else "",
            self._entries_max,
            new.once_seconds or 0,
        ]
        marker = f"security-event:{new.event.envelope.event_id if new.event else ''}"
        word = await self._record([SECURITY_EVENTS, _COUNTS, marker], arguments)
        if word == "full":
            log.error("security_events_full", entries=self._entries_max)
        return SecurityEventRecorded(stored=word == "stored")

    async def read(self, limit: int, after: str | None) -> SecurityEvents:
        """At most `limit` stored events, oldest first, of those after the entry `after`."""
        first = f"({after}" if after else "-"
        entries = await self._valkey.entries(SECURITY_EVENTS, first, limit)
        counts = await self._valkey.counts(_COUNTS)
        return SecurityEvents(items=list(map(_stored, entries)), counted=sum(counts.values()))

    async def acknowledge(self, ids: Sequence[str]) -> None:
        """Remove entries; one that is not there any more is no error."""
        await self._valkey.delete_entries(SECURITY_EVENTS, ids)


def _stored(entry: Entry) -> StoredSecurityEvent:
    entry_id, fields = entry
    event = NewEvent.model_validate_json(fields["event"])
    return StoredSecurityEvent(id=entry_id, event=event, traceparent=fields["traceparent"] or None)
