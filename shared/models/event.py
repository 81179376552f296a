"""The one event envelope, the command that stores it, and its deliveries."""

from datetime import datetime
from typing import Final, Generic, Self, TypeVar
from uuid import UUID, uuid4, uuid5

from pydantic import BaseModel, Field, JsonValue, SerializeAsAny

from shared.models.base import EventPayload, Instant, Internal, Line, now

Data = TypeVar("Data", bound=BaseModel)

PERSONAL_FIELDS: Final = frozenset({"body", "data", "device", "network", "title"})
"""Fields of payloads that say more of a person than an id; they go with the person's account."""

EVENT_BATCH_MAX = 200

EVENT_TYPE = r"^[a-z][a-z_]*(\.[a-z][a-z_]*)+$"


class EventEnvelope(Internal):
    """An event in the outbox, in a stream or on a socket."""

    event_id: UUID
    event_type: str = Field(pattern=EVENT_TYPE, max_length=100)
    version: int = Field(default=1, ge=1)
    occurred_at: Instant
    correlation_id: str = Field(max_length=64)
    payload: dict[str, JsonValue]


class NewEvent(Internal):
    """An event to store in the outbox, ordered within its aggregate."""

    aggregate_id: UUID
    envelope: EventEnvelope

    @classmethod
    def of(
        cls,
        event_type: str,
        payload: EventPayload,
        *,
        aggregate_id: UUID,
        command_id: UUID,
        correlation_id: str,
        version: int = 1,
        occurred_at: datetime | None = None,
    ) -> Self:
        """The event of a command; its `event_id` is derived from `command_id` and `event_type`."""
        envelope = EventEnvelope(
            event_id=uuid5(command_id, event_type),
            event_type=event_type,
            version=version,
            occurred_at=occurred_at or now(),
            correlation_id=correlation_id,
            payload=payload.model_dump(mode="json"),
        )
        return cls(aggregate_id=aggregate_id, envelope=envelope)


class Command(Internal, Generic[Data]):
    """A write to back-postgres in one transaction.

    A repeated `command_id` returns the stored answer. `expected_version` is the version of the
    row that the caller read; a row of another version is Conflict `stale_version`.
    """

    command_id: UUID
    expected_version: int | None = Field(default=None, ge=1)
    data: SerializeAsAny[Data]
    events: list[NewEvent] = Field(default_factory=list, max_length=20)

    @classmethod
    def with_event(
        cls,
        event_type: str,
        payload: EventPayload,
        *,
        data: Data,
        aggregate_id: UUID,
        correlation_id: str,
        command_id: UUID | None = None,
        expected_version: int | None = None,
    ) -> "Command[Data]":
        """A command that writes `data` and publishes one event about `aggregate_id`.

        `command_id` is random unless it is given; the event's id follows from it.
        """
        command_id = command_id or uuid4()
        event = NewEvent.of(
            event_type,
            payload,
            aggregate_id=aggregate_id,
            command_id=command_id,
            correlation_id=correlation_id,
        )
        return Command(
            command_id=command_id, expected_version=expected_version, data=data, events=[event]
        )

    def and_event(
        self, event_type: str, payload: EventPayload, *, aggregate_id: UUID, correlation_id: str
    ) -> "Command[Data]":
        """The command with one event more, which is stored after the others."""
        event = NewEvent.of(
            event_type,
            payload,
            aggregate_id=aggregate_id,
            command_id=self.command_id,
            correlation_id=correlation_id,
        )
        return self.model_copy(update={"events": [*self.events, event]})


class Nothing(Internal):
    """The data of a command that only records events."""


class Recorded(Internal):
    """The events that a command stored."""

    event_ids: list[UUID]


class ApplyEvents(Internal):
    """Events for a consumer to apply, in any order and of any users."""

    events: list[EventEnvelope] = Field(min_length=1, max_length=EVENT_BATCH_MAX)


class EventsApplied(Internal):
    """All events are applied but those of `refused`, which never can be."""

    refused: list[UUID] = Field(description="ids of events")


Consumer = Line


class ClaimDeliveries(Internal):
    """Claim due deliveries; wait at most `wait_seconds` for the first one.

    A consumer of `in_batches` may get several deliveries of one aggregate at once, and handles
    them in their order. Any other one gets the earliest alone.
    """

    consumers: list[Consumer] = Field(min_length=1, max_length=20)
    limit: int = Field(default=50, ge=1, le=200, description="of each consumer")
    in_batches: list[Consumer] = Field(default_factory=list, max_length=20)
    lease_seconds: float = Field(default=8, gt=0, le=60)
    wait_seconds: float = Field(default=0, ge=0, le=30)


class TakeDelivery(Internal):
    """Lease one delivery for `lease_seconds`."""

    lease_seconds: float = Field(default=8, gt=0, le=60)


class Delivery(Internal):
    """One event for one consumer, leased to the holder of `lease_token` until `lease_until`."""

    delivery_id: UUID
    consumer: Consumer
    aggregate_id: UUID | None = None
    attempts: int
    lease_token: UUID
    lease_until: Instant
    postponed_seconds: float = Field(default=0, description="since it was first postponed")
    traceparent: str | None = None
    envelope: EventEnvelope


class Deliveries(Internal):
    """The deliveries that were claimed, oldest event first."""

    items: list[Delivery]


class HoldLease(Internal):
    """Renew a lease for another `lease_seconds`."""

    lease_token: UUID
    lease_seconds: float = Field(default=8, gt=0, le=60)


class CompleteDelivery(Internal):
    """Mark a delivery as done, after its effect."""

    lease_token: UUID


class FailDelivery(Internal):
    """Report a failed delivery: it is retried with back-off, then dead-lettered.

    A `final` failure dead-letters it at once. `retry_seconds` replaces the back-off. Where the
    event is at fault, the failure does not count among those of its consumer in a row.
    """

    lease_token: UUID
    error: str = Field(max_length=2000)
    final: bool = False
    event_at_fault: bool = False
    retry_seconds: float | None = Field(default=None, gt=0, le=172_800)


class PostponeDelivery(Internal):
    """Report an unreachable consumer: it pauses, and no attempt is counted."""

    lease_token: UUID
    pause_seconds: float = Field(default=1, gt=0, le=300)


class CompletedDelivery(CompleteDelivery):
    """A delivery whose effect happened."""

    delivery_id: UUID


class FailedDelivery(FailDelivery):
    """A delivery whose effect failed."""

    delivery_id: UUID


class PostponedDelivery(PostponeDelivery):
    """A delivery whose consumer can't be reached."""

    delivery_id: UUID


class ReleasedDelivery(Internal):
    """A delivery that was not tried: an earlier one of its aggregate failed, or the relay stops.

    No attempt is counted, and its consumer does not pause.
    """

    delivery_id: UUID
    lease_token: UUID


class SettleDeliveries(Internal):
    """Report the outcomes of many deliveries, in one transaction."""

    completed: list[CompletedDelivery] = Field(default_factory=list, max_length=500)
    failed: list[FailedDelivery] = Field(default_factory=list, max_length=500)
    postponed: list[PostponedDelivery] = Field(default_factory=list, max_length=500)
    released: list[ReleasedDelivery] = Field(default_factory=list, max_length=500)


class DeliveriesSettled(Internal):
    """The outcomes are stored, but not those of `lost`: somebody else has their lease."""

    lost: list[UUID]


class SweepOutbox(Internal):
    """Remove what was done that long ago, and dead letters of that age.

    The answers of commands are kept as long as what was done: a repeat after that is a new command.
    """

    done_older_than_seconds: int = Field(ge=86_400)
    dead_older_than_seconds: int = Field(ge=86_400)


class OutboxSwept(Internal):
    """How many rows were removed."""

    deliveries: int
    events: int
    commands: int
