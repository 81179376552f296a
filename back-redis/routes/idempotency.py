"""Responses of requests that may be repeated."""

from fastapi import APIRouter

from shared.kit.auth.guards import calls_with_scope
from shared.models.idempotency import AbandonRequest, BeginRequest, FinishRequest, RequestState
from stores.response_store import ResponseStore


def router(responses: ResponseStore) -> APIRouter:
    routes = APIRouter(prefix="/idempotency", dependencies=[calls_with_scope("idempotency:write")])

    @routes.post("/begin")
    async def begin(request: BeginRequest) -> RequestState:
        return await responses.begin(request)

    @routes.post("/finish", status_code=204)
    async def finish(request: FinishRequest) -> None:
        await responses.finish(request)

    @routes.post("/abandon", status_code=204)
    async def abandon(request: AbandonRequest) -> None:
        await responses.abandon(request)

    return routes
