"""Rate limits: take a token, refill a bucket."""

from fastapi import APIRouter

from shared.kit.auth.guards import calls_with_scope
from shared.models.auth import RefillBucket, TakeToken, TokenTaken
from stores.limit_store import LimitStore


def router(limits: LimitStore) -> APIRouter:
    routes = APIRouter(prefix="/limits", dependencies=[calls_with_scope("limits:use")])

    @routes.post("/take")
    async def take_token(take: TakeToken) -> TokenTaken:
        return await limits.take(
            take.limit, take.key, capacity=take.capacity, window=take.window_seconds
        )

    @routes.post("/refill", status_code=204)
    async def refill_bucket(bucket: RefillBucket) -> None:
        await limits.refill(bucket.limit, bucket.key)

    return routes
