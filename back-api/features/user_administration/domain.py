"""The rules for making an admin, and for what admins change of users."""

from typing import Literal, Protocol, TypeVar
from uuid import UUID, uuid4

from services.actor import Actor, Events, action_of
from services.wanted_users import WantedUsers
from shared.kit.errors import Conflict
from shared.kit.http.context import correlation_id
from shared.kit.stale_writes import again_when_stale
from shared.models.event import Command
from shared.models.profile import StoredProfile
from shared.models.user import (
    AdministeredUser,
    AdministerUser,
    AdminMade,
    NewUser,
    SessionsRevoked,
    User,
    UserAdministered,
    UserChange,
    UserPage,
    UserRoleChanged,
    UsersRead,
    UserStatusChanged,
)

Outcome = Literal["created", "promoted", "unchanged"]
Data = TypeVar("Data", NewUser, UserChange)


class Users(Protocol):
    """Stores users."""

    async def get(self, user_id: UUID) -> User:
        """Raises NotFound `user_not_found`."""

    async def page(self, wanted: WantedUsers, limit: int, before: str | None) -> UserPage:
        """At most `limit` users before the cursor, newest first.

        Raises InvalidRequest `cursor_invalid`.
        """

    async def find(self, email: str) -> User | None:
        """The user with this address, or None."""

    async def create(self, command: Command[NewUser]) -> User:
        """Raises Conflict `email_taken`."""

    async def change(self, user_id: UUID, command: Command[UserChange]) -> User:
        """Raises NotFound `user_not_found`, Conflict `stale_version` or `last_admin`."""


class Profiles(Protocol):
    """Reads profiles."""

    async def of_user(self, user_id: UUID) -> StoredProfile | None:
        """The user's profile, or None."""


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


class UserAdministration:
    """What admins see and change of users, and that they saw it."""

    def __init__(self, users: Users, profiles: Profiles, events: Events) -> None:
        self._users = users
        self._profiles = profiles
        self._events = events

    async def page(
        self, actor: Actor, wanted: WantedUsers, limit: int, before: str | None
    ) -> UserPage:
        """A page of users, newest first, given only when the event `users.read` is stored.

        Raises:
            InvalidRequest: `cursor_invalid`.
            Unavailable: the event can't be stored.
        """
        page = await self._users.page(wanted, limit, before)
        await self._record_read(actor, None)
        return page

    async def get(self, actor: Actor, user_id: UUID) -> AdministeredUser:
        """The user, given as a page is. Raises also NotFound `user_not_found`."""
        found = await self._administered(await self._users.get(user_id))
        await self._record_read(actor, user_id)
        return found

    async def _record_read(self, actor: Actor, subject_id: UUID | None) -> None:
        read = UsersRead(actor_id=actor.user_id, subject_id=subject_id, network=actor.network)
        await self._events.record(action_of(actor, "users.read", read))

    async def change(self, actor: Actor, user_id: UUID, asked: AdministerUser) -> AdministeredUser:
        """Change role or status; the user's sessions end at once.

        What the user already has changes nothing and ends no session.

        Raises:
            NotFound: `user_not_found`.
            Conflict: `own_account`, admins do not change themselves; `last_admin`, no active admin
                would be left; `stale_version`, after three attempts that met concurrent changes.
        """
        if user_id == actor.user_id:
            raise Conflict("Another admin has to change your account.", code="own_account")
        return await again_when_stale(lambda: self._change_once(actor, user_id, asked))

    async def _change_once(
        self, actor: Actor, user_id: UUID, asked: AdministerUser
    ) -> AdministeredUser:
        user = await self._users.get(user_id)
        role, status = asked.role or user.role, asked.status or user.status
        if (role, status) == (user.role, user.status):
            return await self._administered(user)
        administered = UserAdministered(
            user_id=user_id,
            actor_id=actor.user_id,
            role=role,
            status=status,
            network=actor.network,
        )
        command = Command.with_event(
            "user.administered",
            administered,
            data=UserChange(role=role, status=status),
            aggregate_id=user_id,
            expected_version=user.version,
            correlation_id=correlation_id(),
        )
        if role != user.role:
            command = command.and_event(
                "user.role.changed",
                UserRoleChanged(user_id=user_id, role=role),
                aggregate_id=user_id,
                correlation_id=correlation_id(),
            )
        if status != user.status:
            command = command.and_event(
                "user.status.changed",
                UserStatusChanged(user_id=user_id, status=status),
                aggregate_id=user_id,
                correlation_id=correlation_id(),
            )
        changed = await self._users.change(user_id, _ending_sessions(user, command))
        return await self._administered(changed)

    async def _administered(self, user: User) -> AdministeredUser:
        profile = await self._profiles.of_user(user.id)
        return AdministeredUser(
            id=user.id,
            email=user.email,
            role=user.role,
            status=user.status,
            first_name=profile.first_name if profile else None,
            last_name=profile.last_name if profile else None,
            display_name=profile.display_name if profile else None,
            created_at=user.created_at,
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
