"""What verifiers of access tokens ask for: the public keys and the state of one session."""

from collections.abc import Callable
from uuid import UUID

from fastapi import APIRouter, Response

from features.token_verification.domain import SessionStates
from services.key_ring import KeyRing
from shared.kit.auth.guards import calls_with_scope
from shared.models.auth import JsonWebKeySet, Session

MAX_AGE_SECONDS = 60


def router(ring: Callable[[], KeyRing], sessions: SessionStates) -> APIRouter:
    """Routes over the current key ring and the stored sessions."""
    routes = APIRouter(tags=["token-verification"])

    @routes.get("/.well-known/jwks.json")
    async def json_web_keys(response: Response) -> JsonWebKeySet:
        response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_SECONDS}"
        return ring().published()

    @routes.get("/internal/sessions/{sid}", dependencies=[calls_with_scope("sessions:read")])
    async def session(sid: UUID) -> Session:
        return await sessions.get(sid)

    return routes
