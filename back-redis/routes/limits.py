"""Rate limits: take tokens of buckets, give tokens back."""

from fastapi import APIRouter

from shared.kit.auth.guards import calls_with_scope
from shared.models.auth import ReturnTokens, TakeTokens, TokensTaken
from stores.limit_store import LimitStore


def router(limits: LimitStore) -> APIRouter:
    routes = APIRouter(prefix="/limits", dependencies=[calls_with_scope("limits:use")])

    @routes.post("/take")
    async def take_tokens(take: TakeTokens) -> TokensTaken:
        return await limits.take(take.buckets)

    @routes.post("/refill", status_code=204)
    async def return_tokens(returned: ReturnTokens) -> None:
        await limits.give_back(returned.buckets)

    return routes
