"""What admins and operators see of deliveries, and who replays them."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID, uuid4

from pydantic import JsonValue

from services.actor import Actor
from shared.kit.http.context import correlation_id
from shared.models.event import Command
from shared.models.event_administration import (
    Backlog,
    DeliveriesReplayed,
    DeliveryPage,
    DeliveryReplayed,
    DeliveryState,
    ReplayDeliveries,
    ReplayFilter,
    ShownDelivery,
)

HIDDEN = "(hidden)"
_SECRET = re.compile(r"password|passwd|secret|token|credential|hash|key", re.IGNORECASE)
_ADDRESS = re.compile(r"([^\s@<>\"'])[^\s@<>\"']*(@[^\s@<>\"']+)")


@dataclass(frozen=True)
class Wanted:
    """Which deliveries to list: all of these together, each where it is given."""

    state: DeliveryState | None = None
    consumer: str | None = None
    event_type: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Operator:
    """Whoever runs a command on the machine of the stack."""

    name: str


class Deliveries(Protocol):
    """Reads deliveries and makes dead ones pending again."""

    async def page(self, wanted: Wanted, limit: int, before: str | None) -> DeliveryPage:
        """Newest first. Raises InvalidRequest `cursor_invalid`."""

    async def get(self, delivery_id: UUID) -> ShownDelivery:
        """Raises NotFound `delivery_not_found`."""

    async def backlog(self) -> Backlog:
        """What each consumer has not done."""

    async def replay(self, command: Command[ReplayDeliveries]) -> DeliveriesReplayed:
        """Raises NotFound `delivery_not_found`, Conflict `delivery_not_dead`."""


class EventAdministration:
    """Shows deliveries, without what nobody may read, and stores who replayed which."""

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    async def page(self, wanted: Wanted, limit: int, before: str | None) -> DeliveryPage:
        """A page of deliveries, newest first. Raises InvalidRequest `cursor_invalid`."""
        page = await self._deliveries.page(wanted, limit, before)
        items = [item.model_copy(update=_shown_error(item.last_error)) for item in page.items]
        return page.model_copy(update={"items": items})

    async def get(self, delivery_id: UUID) -> ShownDelivery:
        """A delivery and its event: secrets are hidden and mail addresses shortened.

        Raises NotFound `delivery_not_found`.
        """
        found = await self._deliveries.get(delivery_id)
        payload = {name: _shown(name, value) for name, value in found.payload.items()}
        return found.model_copy(update={"payload": payload} | _shown_error(found.last_error))

    async def backlog(self) -> Backlog:
        """What each consumer has not done."""
        return await self._deliveries.backlog()

    async def replay(
        self, by: Actor | Operator, delivery_id: UUID, command_id: UUID | None = None
    ) -> DeliveriesReplayed:
        """Send a dead delivery again, with all its attempts.

        Raises:
            NotFound: `delivery_not_found`.
            Conflict: `delivery_not_dead`.
        """
        return await self._replay(by, ReplayDeliveries(delivery_id=delivery_id), command_id)

    async def replay_all(
        self, by: Actor | Operator, wanted: ReplayFilter, command_id: UUID | None = None
    ) -> DeliveriesReplayed:
        """Send dead deliveries again, the oldest first, `limit` of them at most."""
        asked = ReplayDeliveries.model_validate(wanted.model_dump())
        return await self._replay(by, asked, command_id)

    async def _replay(
        self, by: Actor | Operator, asked: ReplayDeliveries, command_id: UUID | None
    ) -> DeliveriesReplayed:
        command_id = command_id or uuid4()
        replayed = DeliveryReplayed(
            actor_id=by.user_id if isinstance(by, Actor) else None,
            operator=by.name if isinstance(by, Operator) else None,
            network=by.network if isinstance(by, Actor) else None,
            **asked.model_dump(),
        )
        command = Command.with_event(
            "delivery.replayed",
            replayed,
            data=asked,
            command_id=command_id,
            # Of nobody else: whoever holds its lock waits for the locks of the replayed ones.
            aggregate_id=command_id,
            correlation_id=correlation_id(),
        )
        return await self._deliveries.replay(command)


def _shown(name: str, value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _shown(key, it) for key, it in value.items()}
    if isinstance(value, list):
        return [_shown(name, it) for it in value]
    if value is not None and _SECRET.search(name) and not name.endswith("_id"):
        return HIDDEN
    return _shortened(value) if isinstance(value, str) else value


def _shown_error(error: str | None) -> dict[str, str | None]:
    return {"last_error": error and _shortened(error)}


def _shortened(text: str) -> str:
    return _ADDRESS.sub(r"\1…\2", text)
