"""Accounts, as their users are given them."""

from uuid import UUID

from fastapi import APIRouter

from repositories.account_record_repository import AccountRecordRepository
from shared.kit.auth.guards import calls_with_scope
from shared.models.account_export import AccountRecord


def router(accounts: AccountRecordRepository) -> APIRouter:
    router = APIRouter(tags=["users"])

    @router.get("/users/{user_id}/account-record", dependencies=[calls_with_scope("users:record")])
    async def read_account(user_id: UUID) -> AccountRecord:
        return await accounts.of_user(user_id)

    return router
