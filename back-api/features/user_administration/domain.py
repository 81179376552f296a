"""The rules for making an admin."""

from typing import Literal, Protocol, TypeVar
from uuid import UUID, uuid4

from shared.kit.http.context import correlation_id
from shared.models.event import Command
from shared.models.user import (
    AdminMade,
    NewUser,
    SessionsRevoked,
    User,
    UserChange,
    UserRoleChanged,
)

Outcome = Literal["created", "promoted", "unchanged"]
Data = TypeVar("Data", NewUser, UserChange)


class Users(Protocol):
    """Stores users."""

    async def find(self, email: str) -> User | None:
        """The user with this address, or None."""

    async def create(self, command: Command[NewUser]) -> User:
        """Raises Conflict `email_taken`."""

    async def change(self, user_id: UUID, command: Command[UserChange]) -> User:
        """Raises NotFound, Conflict `stale_version`."""


class Credentials(Protocol):
    """Stores passwords as credentials."""

    async def store(self, password: str) -> UUID:
        """The id of the stored credential, to give to a new user."""


class Administrators:
    """Makes admins: of users, whose address is confirmed, and of addresses without a user.

    A new admin is active without confirmation, as the operator vouches for the address, and has
    the operator's password. Registrations of the address become void with their passwords.
    `operator` is who makes the admin, for the audit log.
    """

    def __init__(self, users: Users, credentials: Credentials, *, operator: str) -> None:
        self._users = users
        self._credentials = credentials
        self._operator = operator

    async def find(self, email: str) -> User | None:
        """The user with this address, or None."""
        return await self._users.find(email)

    async def create(self, email: str, password: str) -> UUID:
        """Create a user who is an admin; its id. Raises Conflict `email_taken`."""
        user_id = uuid4()
        credential_id = await self._credentials.store(password)
        user = NewUser(
            user_id=user_id,
            email=email,
            role="admin",
            status="active",
            credential_id=credential_id,
        )
        await self._users.create(self._make_admin(user_id, user))
        return user_id

    async def promote(self, user: User) -> Outcome:
        """Make an existing user an active admin, keep the password and end all sessions."""
        if user.role == "admin" and user.status == "active":
            return "unchanged"
        change = UserChange(role="admin", status="active")
        command = self._make_admin(user.id, change, user.version)
        await self._users.change(user.id, _ending_sessions(user, command))
        return "promoted"

    def _make_admin(
        self, user_id: UUID, data: Data, expected_version: int | None = None
    ) -> Command[Data]:
        command = Command.with_event(
            "user.role.changed",
            UserRoleChanged(user_id=user_id, role="admin"),
            data=data,
            aggregate_id=user_id,
            expected_version=expected_version,
            correlation_id=correlation_id(),
        )
        return command.and_event(
            "user.admin.made",
            AdminMade(user_id=user_id, operator=self._operator),
            aggregate_id=user_id,
            correlation_id=correlation_id(),
        )


def _ending_sessions(user: User, command: Command[Data]) -> Command[Data]:
    # The same transaction raises the generation by one, as the user's version did not change.
    revoked = SessionsRevoked(user_id=user.id, session_generation=user.session_generation + 1)
    return command.and_event(
        "user.sessions.revoked",
        revoked,
        aggregate_id=user.id,
        correlation_id=correlation_id(),
    )
