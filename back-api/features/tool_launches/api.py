"""`/api/tools/{id}/launch` and `/api/tools/recent`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from features.tool_launches.domain import Launches
from services.viewer import Viewer
from shared.kit.auth.guards import CurrentUser
from shared.kit.http.idempotency import Once
from shared.models.tool import RECENT_DEFAULT, RECENT_MAX, LaunchedTool, RecentTools


def router(launches: Launches) -> APIRouter:
    """Routes over `launches`."""
    routes = APIRouter(prefix="/api/tools", tags=["tool-launches"])

    @routes.post("/{tool_id}/launch", status_code=201, response_model=LaunchedTool)
    async def launch(tool_id: UUID, user: CurrentUser, once: Once) -> Response:
        viewer = Viewer.of(user.id, user.role)
        return await once(user.id, lambda command_id: launches.launch(viewer, tool_id, command_id))

    @routes.get("/recent")
    async def recent(
        user: CurrentUser, limit: Annotated[int, Query(ge=1, le=RECENT_MAX)] = RECENT_DEFAULT
    ) -> RecentTools:
        return await launches.recent(Viewer.of(user.id, user.role), limit)

    return routes
