"""The public keys, for everybody who verifies access tokens."""

from collections.abc import Callable

from fastapi import APIRouter, Response

from features.jwks.domain import KeyRing
from shared.models.auth import JsonWebKeySet

MAX_AGE_SECONDS = 60


def router(ring: Callable[[], KeyRing]) -> APIRouter:
    routes = APIRouter(tags=["keys"])

    @routes.get("/.well-known/jwks.json")
    async def json_web_keys(response: Response) -> JsonWebKeySet:
        response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_SECONDS}"
        return ring().published()

    return routes
