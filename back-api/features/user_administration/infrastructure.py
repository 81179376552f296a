"""Profiles of other users, as back-postgres keeps them."""

from uuid import UUID

from shared.kit import ServiceClient
from shared.kit.errors import NotFound
from shared.models.profile import StoredProfile


class PostgresProfilesOfUsers:
    """The profiles of the domain, over HTTP."""

    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def of_user(self, user_id: UUID) -> StoredProfile | None:
        try:
            return await self._postgres.get(
                f"/users/{user_id}/profile", response_model=StoredProfile
            )
        except NotFound:
            return None
