"""Users for an export."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from repositories.exported_user_repository import ExportedUserRepository
from shared.kit.auth.guards import calls_with_scope
from shared.models.export import EXPORT_PAGE_MAX, ExportedUsers


def router(users: ExportedUserRepository) -> APIRouter:
    router = APIRouter(tags=["exports"])

    @router.get(
        "/exported-users",
        response_model=ExportedUsers,
        dependencies=[calls_with_scope("users:export")],
    )
    async def page(
        after: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=EXPORT_PAGE_MAX)] = 1000,
    ) -> Response:
        found = await users.page(after, limit)
        return Response(found.model_dump_json(), media_type="application/json")

    return router
