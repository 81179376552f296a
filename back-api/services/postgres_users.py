"""Users, as back-postgres keeps them."""

from dataclasses import asdict
from uuid import UUID

from services.wanted_users import WantedUsers
from shared.kit import ServiceClient
from shared.kit.errors import NotFound
from shared.models.event import Command
from shared.models.user import LookUpUser, NewUser, User, UserChange, UserPage


class PostgresUsers:
    """Users over HTTP, for the protocols of several features."""

    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def get(self, user_id: UUID) -> User:
        return await self._postgres.get(f"/users/{user_id}", response_model=User)

    async def page(self, wanted: WantedUsers, limit: int, before: str | None) -> UserPage:
        asked = {**asdict(wanted), "limit": limit, "before": before}
        return await self._postgres.get("/users", params=asked, response_model=UserPage)

    async def find(self, email: str) -> User | None:
        try:
            return await self._postgres.post(
                "/users/lookup", LookUpUser(email=email), response_model=User, idempotent=True
            )
        except NotFound:
            return None

    async def create(self, command: Command[NewUser]) -> User:
        return await self._postgres.post("/users", command, response_model=User)

    async def change(self, user_id: UUID, command: Command[UserChange]) -> User:
        return await self._postgres.patch(f"/users/{user_id}", command, response_model=User)
