"""Profiles, as back-postgres keeps them."""

from uuid import UUID

from shared.kit import ServiceClient
from shared.models.event import Command
from shared.models.profile import StoredProfile, WriteProfile


class PostgresProfiles:
    """The profile store of the domain, over HTTP."""

    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def get(self, user_id: UUID) -> StoredProfile:
        return await self._postgres.get(f"/users/{user_id}/profile", response_model=StoredProfile)

    async def create(self, command: Command[WriteProfile]) -> StoredProfile:
        return await self._postgres.post("/profiles", command, response_model=StoredProfile)

    async def replace(self, command: Command[WriteProfile]) -> StoredProfile:
        path = f"/users/{command.data.user_id}/profile"
        return await self._postgres.put(path, command, response_model=StoredProfile)
