"""Audit events: stored by the relay, read for admins."""

from collections.abc import Sequence
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import APIRouter, Query

from shared.kit.auth.guards import calls_with_scope
from shared.kit.errors import ValidationFailed
from shared.kit.http.page_position import PagePosition, position_of
from shared.models.audit import (
    AUDIT_PAGE_DEFAULT,
    AUDIT_PAGE_MAX,
    AuditBatchStored,
    AuditPage,
    AuditStored,
    StoreAudit,
)
from shared.models.event import EventEnvelope


class AuditLog(Protocol):
    async def store(self, events: Sequence[EventEnvelope]) -> list[UUID]:
        """The ids of the events that can't be stored."""

    async def page(
        self, *, user_id: UUID | None, limit: int, before: PagePosition
    ) -> AuditPage: ...


def router(log: AuditLog) -> APIRouter:
    routes = APIRouter(prefix="/audit")

    @routes.post("/events", status_code=201, dependencies=[calls_with_scope("audit:write")])
    async def store_event(event: EventEnvelope) -> AuditStored:
        if await log.store([event]):
            raise ValidationFailed("The event can't be stored.")
        return AuditStored(event_id=event.event_id)

    @routes.post("/events/batch", dependencies=[calls_with_scope("audit:write")])
    async def store_events(batch: StoreAudit) -> AuditBatchStored:
        return AuditBatchStored(refused=await log.store(batch.events))

    @routes.get("/events", dependencies=[calls_with_scope("audit:read")])
    async def read_events(
        user_id: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=AUDIT_PAGE_MAX)] = AUDIT_PAGE_DEFAULT,
        before: str | None = None,
    ) -> AuditPage:
        return await log.page(user_id=user_id, limit=limit, before=position_of(before))

    return routes
