"""`/api/admin/audit`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from features.audit.domain import AuditReader
from services.actor import Actor
from shared.kit.auth.guards import CurrentUser, user_with_permission
from shared.kit.http.network import client_network
from shared.models.audit import AUDIT_PAGE_DEFAULT, AUDIT_PAGE_MAX, AuditPage
from shared.models.base import Line


def router(reader: AuditReader) -> APIRouter:
    """Routes over `reader`."""
    routes = APIRouter(
        prefix="/api/admin/audit",
        tags=["audit"],
        dependencies=[user_with_permission("audit:read")],
    )

    @routes.get("")
    async def page(
        user: CurrentUser,
        request: Request,
        user_id: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=AUDIT_PAGE_MAX)] = AUDIT_PAGE_DEFAULT,
        before: Annotated[Line | None, Query(max_length=200)] = None,
    ) -> AuditPage:
        actor = Actor(user.id, client_network(request))
        return await reader.page(actor, user_id, limit, before)

    return routes
