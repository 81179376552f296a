"""Deliveries as operators and admins see, count and replay them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, JsonValue, StringConstraints, model_validator

from shared.models.base import (
    EventPayload,
    Instant,
    Internal,
    Line,
    Network,
    PublicRequest,
    Response,
)

DELIVERY_PAGE_DEFAULT = 50
DELIVERY_PAGE_MAX = 200
REPLAYED_MAX = 500
"""Deliveries that one call replays at most."""

DeliveryState = Literal["pending", "sent", "leased", "done", "dead"]
Name = Annotated[Line, StringConstraints(min_length=1, max_length=100)]


class ListedDelivery(Response):
    """A delivery of one event to one consumer.

    `due_at` is the end of its back-off or of its lease, and null while an earlier delivery of its
    aggregate is unfinished.
    """

    delivery_id: UUID
    event_id: UUID
    event_type: str
    consumer: str
    aggregate_id: UUID
    state: DeliveryState
    attempts: int
    last_error: str | None
    due_at: Instant | None
    created_at: Instant
    done_at: Instant | None


class DeliveryPage(Response):
    """Deliveries, newest first; `next` is the `before` of the following page, null at the end."""

    items: list[ListedDelivery]
    next: str | None


class ShownDelivery(ListedDelivery):
    """A delivery with its event."""

    version: int
    occurred_at: Instant
    correlation_id: str
    payload: dict[str, JsonValue]


class ConsumerBacklog(Response):
    """What one consumer has not done.

    `pending` deliveries wait, of which `due` ones may be sent now and `blocked` ones wait for an
    earlier one; `leased` ones are under way. `oldest_seconds` is the age of the oldest unfinished
    delivery, `lag_seconds` how long the one that is due longest has been so.
    """

    consumer: str
    pending: int = 0
    due: int = 0
    blocked: int = 0
    leased: int = 0
    dead: int = 0
    oldest_seconds: float = 0
    lag_seconds: float = 0
    paused: bool = False


class Backlog(Response):
    """The backlog of each consumer, by name."""

    consumers: list[ConsumerBacklog]


class ReplayFilter(PublicRequest):
    """Which dead deliveries to replay, oldest first: of a consumer, a type of event, a time span
    of their storing, or all of these together.
    """

    consumer: Name | None = None
    event_type: Name | None = None
    since: Instant | None = None
    until: Instant | None = None
    limit: int = Field(default=100, ge=1, le=REPLAYED_MAX)

    @model_validator(mode="after")
    def _narrows(self) -> "ReplayFilter":
        if not any((self.consumer, self.event_type, self.since, self.until)):
            raise ValueError("name a consumer, a type, or a time span")
        return self


class ReplayDeliveries(Internal):
    """Dead deliveries to send again: one, or those that all the other fields describe."""

    delivery_id: UUID | None = None
    consumer: Name | None = None
    event_type: Name | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = Field(default=1, ge=1, le=REPLAYED_MAX)


class DeliveriesReplayed(Response):
    """How many deliveries are pending again."""

    replayed: int


class DeliveryReplayed(EventPayload):
    """`delivery.replayed`: an admin or an operator sent dead deliveries again.

    It names the delivery, or says which ones were asked for.
    """

    actor_id: UUID | None
    operator: str | None
    network: Network | None
    delivery_id: UUID | None
    consumer: str | None
    event_type: str | None
    since: Instant | None
    until: Instant | None
    limit: int
