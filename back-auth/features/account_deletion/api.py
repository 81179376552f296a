"""`/internal/password-checks`: back-api asks whether a user knows the password."""

from fastapi import APIRouter

from features.password_change.password_proof import PasswordProof
from services.request_origin import RequestOrigin
from shared.kit.auth.guards import calls_with_scope
from shared.kit.errors import Forbidden
from shared.models.account import CheckPassword, PasswordChecked


def router(proof: PasswordProof) -> APIRouter:
    routes = APIRouter(tags=["password"])

    @routes.post("/internal/password-checks", dependencies=[calls_with_scope("passwords:check")])
    async def check_password(body: CheckPassword) -> PasswordChecked:
        try:
            await proof.account(
                body.user_id, body.password, RequestOrigin(body.network, body.device)
            )
        except Forbidden:
            return PasswordChecked(matches=False)
        return PasswordChecked(matches=True)

    return routes
