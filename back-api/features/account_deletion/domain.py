"""The rules of deleting one's own account."""

from typing import Protocol
from uuid import UUID, uuid5

from shared.kit.errors import Conflict, Forbidden, NotFound, RuleViolated, Unauthenticated
from shared.kit.http.context import correlation_id
from shared.models.account import (
    LAST_GENERATION,
    AccountDeletion,
    CheckPassword,
    DeleteUser,
    UserDeleted,
)
from shared.models.event import Command
from shared.models.user import SessionsRevoked

DELETIONS = UUID("3b0b1f4e-0f52-4d1c-8f5e-2f6f7c1f9b60")


class Passwords(Protocol):
    """Checks passwords."""

    async def matches(self, claim: CheckPassword) -> bool:
        """Whether it is the password of the user; a wrong one counts as a failed login.

        Raises NotFound `user_not_found`, TooManyRequests.
        """


class Users(Protocol):
    """Removes users."""

    async def delete(self, command: Command[DeleteUser]) -> None:
        """Remove a user and store the events. A repeat of the command changes nothing.

        Raises NotFound `user_not_found`, Conflict `last_admin`.
        """


class AccountDeletions:
    """Removes the account of a user who knows its password.

    What other stores hold goes by the event `user.deleted`.
    """

    def __init__(self, passwords: Passwords, users: Users) -> None:
        self._passwords = passwords
        self._users = users

    async def delete(self, claim: CheckPassword) -> AccountDeletion:
        """Delete the account and end all of its sessions.

        Raises:
            Forbidden: `wrong_password`.
            RuleViolated: `last_admin`, the user is the last active admin.
            TooManyRequests: too many wrong passwords.
            Unauthenticated: `account_gone`, it was deleted before.
        """
        try:
            if not await self._passwords.matches(claim):
                raise Forbidden("This is not your password.", code="wrong_password")
            await self._users.delete(_deletion(claim.user_id))
        except NotFound as error:
            raise Unauthenticated("This account no longer exists.", code="account_gone") from error
        except Conflict as conflict:
            if conflict.code != "last_admin":
                raise
            raise RuleViolated(
                "You are the last active admin. Make another user an admin first.",
                code="last_admin",
            ) from conflict
        return AccountDeletion(user_id=claim.user_id)


def _deletion(user_id: UUID) -> Command[DeleteUser]:
    return Command.with_event(
        "user.deleted",
        UserDeleted(user_id=user_id),
        data=DeleteUser(user_id=user_id),
        aggregate_id=user_id,
        command_id=uuid5(DELETIONS, str(user_id)),
        correlation_id=correlation_id(),
    ).and_event(
        "user.sessions.revoked",
        SessionsRevoked(user_id=user_id, session_generation=LAST_GENERATION),
        aggregate_id=user_id,
        correlation_id=correlation_id(),
    )
