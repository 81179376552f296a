"""The outbox: events, and a delivery for each of their consumers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from shared.kit.errors import InvalidRequest
from shared.kit.http.context import trace
from shared.models.event import NewEvent

if TYPE_CHECKING:
    from database import Connection

Routing = Mapping[str, Sequence[str]]

_STORE = """
WITH answered AS (
    UPDATE commands
    SET status = $2, answer = $3
    WHERE command_id = $1
), given AS (
    SELECT event_id, event_type, version, aggregate_id, occurred_at, correlation_id, payload,
        consumers, ordinality
    FROM ROWS FROM (
        jsonb_to_recordset($4) AS (
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
    SELECT event_id, event_type, version, aggregate_id, occurred_at, correlation_id, $5, payload
    FROM given
    ORDER BY ordinality
    RETURNING event_id, aggregate_id, position
), routed AS (
    INSERT INTO deliveries (event_id, consumer, aggregate_id, position, due_at)
    SELECT stored.event_id, consumer, stored.aggregate_id, stored.position,
        CASE
            WHEN row_number() OVER (
                PARTITION BY stored.aggregate_id, consumer ORDER BY stored.position
            ) > 1 OR EXISTS (
                SELECT FROM deliveries AS earlier
                WHERE earlier.aggregate_id = stored.aggregate_id
                    AND earlier.consumer = consumer.consumer
                    AND earlier.state IN ('pending', 'sent', 'leased')
            )
            THEN 'infinity'
            ELSE now()
        END
    FROM stored
    JOIN given USING (event_id)
    CROSS JOIN jsonb_array_elements_text(given.consumers) AS consumer (consumer)
    RETURNING consumer, due_at
)
SELECT pg_notify('deliveries', consumer)
FROM (SELECT DISTINCT consumer FROM routed WHERE due_at <> 'infinity') AS woken
WHERE NOT (SELECT pg_try_advisory_xact_lock(hashtextextended('deliveries', 0)))
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

    async def store(
        self,
        connection: "Connection",
        events: Sequence[NewEvent],
        *,
        command_id: UUID,
        status: int,
        answer: str,
    ) -> None:
        """Store `events`, in their order, and the answer of their command.

        It runs inside the transaction of `connection`, which holds the locks of the aggregates.
        """
        here = trace()
        await connection.execute(
            _STORE,
            command_id,
            status,
            answer,
            [self._row(event) for event in events],
            here.traceparent if here else None,
        )

    def _row(self, event: NewEvent) -> dict[str, object]:
        return {
            "aggregate_id": event.aggregate_id,
            "consumers": self._routing[event.envelope.event_type],
            **event.envelope.model_dump(mode="json"),
        }
