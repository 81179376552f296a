"""Passwords, as back-auth checks them, and users, as back-postgres removes them."""

from shared.kit import ServiceClient
from shared.models.account import CheckPassword, DeleteUser, PasswordChecked, UserRemoved
from shared.models.event import Command


class AuthPasswords:
    """Passwords over HTTP."""

    def __init__(self, auth: ServiceClient) -> None:
        self._auth = auth

    async def matches(self, claim: CheckPassword) -> bool:
        checked = await self._auth.post(
            "/internal/password-checks", claim, response_model=PasswordChecked
        )
        return checked.matches


class PostgresDeletions:
    """Users over HTTP."""

    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def delete(self, command: Command[DeleteUser]) -> None:
        await self._postgres.post("/user-deletions", command, response_model=UserRemoved)
