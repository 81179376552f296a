"""Deliveries, as back-postgres keeps them."""

from uuid import UUID

from features.event_administration.domain import Wanted
from shared.kit import ServiceClient
from shared.models.event import Command
from shared.models.event_administration import (
    Backlog,
    DeliveriesReplayed,
    DeliveryPage,
    ReplayDeliveries,
    ShownDelivery,
)


class PostgresDeliveries:
    """The deliveries of the domain, over HTTP."""

    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def page(self, wanted: Wanted, limit: int, before: str | None) -> DeliveryPage:
        asked = {
            "state": wanted.state,
            "consumer": wanted.consumer,
            "event_type": wanted.event_type,
            "since": wanted.since and wanted.since.isoformat(),
            "until": wanted.until and wanted.until.isoformat(),
            "limit": limit,
            "before": before,
        }
        return await self._postgres.get("/deliveries", params=asked, response_model=DeliveryPage)

    async def get(self, delivery_id: UUID) -> ShownDelivery:
        return await self._postgres.get(f"/deliveries/{delivery_id}", response_model=ShownDelivery)

    async def backlog(self) -> Backlog:
        return await self._postgres.get("/deliveries/backlog", response_model=Backlog)

    async def replay(self, command: Command[ReplayDeliveries]) -> DeliveriesReplayed:
        return await self._postgres.post(
            "/deliveries/replay", command, response_model=DeliveriesReplayed
        )
