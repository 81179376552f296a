"""The outbox: events, and a delivery for each of their consumers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from shared.kit.errors import InvalidRequest
from shared.kit.http.context import trace
from shared.models.event import NewEvent

if TYPE_CHECKING:
    from database import Connection

Routing = Mapping[str, Sequence[str]]

_LOCK_AGGREGATES = """
SELECT pg_advisory_xact_lock(hashtextextended(aggregate_id::text, 0))
FROM unnest($1::uuid[]) AS changed (aggregate_id)
"""

_STORE = """
WITH given AS (
    SELECT event_id, event_type, version, aggregate_id, occurred_at, correlation_id, payload,
        consumers, ordinality
    FROM ROWS FROM (
        jsonb_to_recordset($1) AS (
            event_id uuid,
            event_type text,
            version bigint,
            aggregate_id uuid,
            occurred_at timestamptz,
            correlation_id text,
            payload jsonb,
            consumers jsonb
        )
    ) WITH ORDINALITY
), stored AS (
    INSERT INTO events (
        event_id, event_type, version, aggregate_id, occurred_at, correlation_id, traceparent,
        payload
    )
    SELECT event_id, event_type, version, aggregate_id, occurred_at, correlation_id, $2, payload
    FROM given
    ORDER BY ordinality
    RETURNING event_id, aggregate_id, position
), routed AS (
    INSERT INTO deliveries (event_id, consumer, aggregate_id, position)
    SELECT stored.event_id, consumer, stored.aggregate_id, stored.position
    FROM stored
    JOIN given USING (event_id)
    CROSS JOIN jsonb_array_elements_text(given.consumers) AS consumer
    RETURNING consumer
)
SELECT pg_notify('deliveries', consumer)
FROM (SELECT DISTINCT consumer FROM routed) AS woken
"""


class EventRepository:
    """Stores events; `routing` names the consumers of each type of event."""

    def __init__(self, routing: Routing) -> None:
        self._routing = routing

    def check(self, events: Sequence[NewEvent]) -> None:
        """Raises InvalidRequest `event_unknown` for a type that no contract names."""
        for event in events:
            if event.envelope.event_type not in self._routing:
                raise InvalidRequest(
                    f"No contract names the event {event.envelope.event_type}.",
                    code="event_unknown",
                )

    async def store(self, connection: "Connection", events: Sequence[NewEvent]) -> None:
        """Store `events`, in their order, inside the transaction of `connection`.

        The locks make the positions of an aggregate rise in the order of commit: without them
        a later event could be seen, and delivered, before an earlier one.
        """
        if not events:
            return
        here = trace()
        await connection.execute(_LOCK_AGGREGATES, sorted({event.aggregate_id for event in events}))
        await connection.execute(
            _STORE, [self._row(event) for event in events], here.traceparent if here else None
        )

    def _row(self, event: NewEvent) -> dict[str, object]:
        return {
            "aggregate_id": event.aggregate_id,
            "consumers": self._routing[event.envelope.event_type],
            **event.envelope.model_dump(mode="json"),
        }
