"""`GET /api/users/me/export`."""

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from features.account_export.domain import AccountExports
from services.actor import Actor
from shared.kit.auth.guards import CurrentUser
from shared.kit.http.network import client_network
from shared.models.account_export import AccountExport

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Disposition": 'attachment; filename="account.json"',
    "X-Accel-Buffering": "no",  # the gateway would keep the document in its own
}


def router(exports: AccountExports) -> APIRouter:
    """Routes over `exports`."""
    routes = APIRouter(prefix="/api/users", tags=["account-export"])

    @routes.get("/me/export", response_model=AccountExport)
    async def export(user: CurrentUser, request: Request) -> StreamingResponse:
        document = await exports.document(Actor(user.id, client_network(request)), user.sid)
        return StreamingResponse(document, headers=_HEADERS, media_type="application/json")

    return routes
