"""What the outbox holds of deleted users, for back-workers."""

from fastapi import APIRouter

from repositories.forgotten_user_repository import ForgottenUserRepository
from shared.kit.auth.guards import calls_with_scope
from shared.models.account import ForgetUser, UserForgotten


def router(forgotten: ForgottenUserRepository) -> APIRouter:
    router = APIRouter(tags=["users"])

    @router.post("/outbox/forget", dependencies=[calls_with_scope("users:forget")])
    async def forget_user(asked: ForgetUser) -> UserForgotten:
        return await forgotten.forget(asked)

    return router
