"""`/api/admin/audit`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from features.audit.domain import AuditLog
from shared.kit.auth.guards import user_with_permission
from shared.models.audit import AUDIT_PAGE_DEFAULT, AUDIT_PAGE_MAX, AuditPage
from shared.models.base import Line


def router(log: AuditLog) -> APIRouter:
    """Routes over `log`."""
    routes = APIRouter(
        prefix="/api/admin/audit",
        tags=["audit"],
        dependencies=[user_with_permission("audit:read")],
    )

    @routes.get("")
    async def page(
        user_id: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=AUDIT_PAGE_MAX)] = AUDIT_PAGE_DEFAULT,
        before: Annotated[Line | None, Query(max_length=200)] = None,
    ) -> AuditPage:
        return await log.page(user_id, limit, before)

    return routes
