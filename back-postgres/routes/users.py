"""Users."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from repositories.user_repository import UserRepository
from routes.command_responses import as_response
from shared.kit.auth.guards import calls_with_scope
from shared.kit.http.page_position import position_of
from shared.models.account import DeleteUser, UserRemoved
from shared.models.base import Line
from shared.models.event import Command
from shared.models.user import (
    USER_PAGE_DEFAULT,
    USER_PAGE_MAX,
    USER_SEARCH_MAX_LENGTH,
    LookUpUser,
    NewUser,
    Role,
    User,
    UserChange,
    UserPage,
    UserStatus,
)

Search = Annotated[Line, Query(max_length=USER_SEARCH_MAX_LENGTH)]


def router(users: UserRepository) -> APIRouter:
    router = APIRouter(tags=["users"])
    reading = [calls_with_scope("users:read")]
    writing = [calls_with_scope("users:write")]

    @router.post("/users", status_code=201, response_model=User, dependencies=writing)
    async def create_user(command: Command[NewUser]) -> Response:
        return as_response(await users.create(command))

    @router.get("/users", dependencies=reading)
    async def read_users(
        *,
        search: Search | None = None,
        role: Role | None = None,
        status: UserStatus | None = None,
        limit: Annotated[int, Query(ge=1, le=USER_PAGE_MAX)] = USER_PAGE_DEFAULT,
        before: Annotated[str | None, Query(max_length=200)] = None,
    ) -> UserPage:
        position = position_of(before)
        return await users.page(
            search=search, role=role, status=status, limit=limit, before=position
        )

    @router.get("/users/{user_id}", dependencies=reading)
    async def read_user(user_id: UUID) -> User:
        return await users.by_id(user_id)

    @router.post("/users/lookup", dependencies=reading)
    async def look_up_user(asked: LookUpUser) -> User:
        return await users.by_email(asked.email)

    @router.patch("/users/{user_id}", response_model=User, dependencies=writing)
    async def change_user(user_id: UUID, command: Command[UserChange]) -> Response:
        return as_response(await users.change(user_id, command))

    @router.post(
        "/user-deletions",
        response_model=UserRemoved,
        dependencies=[calls_with_scope("users:delete")],
    )
    async def delete_user(command: Command[DeleteUser]) -> Response:
        return as_response(await users.delete(command))

    return router
