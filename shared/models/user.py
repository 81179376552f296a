"""Users, their credentials and their events."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from shared.models.base import (
    Device,
    EventPayload,
    Instant,
    Internal,
    Line,
    Network,
    PublicRequest,
    Response,
    Text,
)

UserStatus = Literal["active", "suspended"]
Role = Literal["user", "admin"]

USER_PAGE_DEFAULT = 50
USER_PAGE_MAX = 200
USER_SEARCH_MAX_LENGTH = 100

EMAIL_MAX_LENGTH = 254
PASSWORD_MIN_LENGTH = 12
PASSWORD_MAX_LENGTH = 128

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = rf"^{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+$"


def _local_part_fits(address: str) -> str:
    if len(address.partition("@")[0]) > 64:
        raise ValueError("the part before @ must have at most 64 characters")
    return address.lower()


EmailAddress = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=EMAIL_MAX_LENGTH, pattern=_EMAIL),
    AfterValidator(_local_part_fits),
]
"""An address of RFC 5321's plain form (dot-atom, no quotes, no comments), in lower case."""

Password = Annotated[
    Text, StringConstraints(min_length=PASSWORD_MIN_LENGTH, max_length=PASSWORD_MAX_LENGTH)
]

PasswordAttempt = Annotated[Text, StringConstraints(min_length=1, max_length=PASSWORD_MAX_LENGTH)]
"""A password to be checked: shorter ones than may be chosen are wrong, not malformed."""


class User(Internal):
    """A stored user. Sessions of an earlier `session_generation` have ended."""

    id: UUID
    email: EmailAddress
    role: Role
    status: UserStatus
    session_generation: int = Field(default=1, ge=1)
    version: int
    created_at: Instant


class NewUser(Internal):
    """A user to store without a registration, with the id of the stored credential."""

    user_id: UUID
    email: EmailAddress
    role: Role = "user"
    status: UserStatus = "active"
    credential_id: UUID


class UserChange(Internal):
    """The fields of a user to change; a field that is absent stays."""

    role: Role | None = None
    status: UserStatus | None = None


class LookUpUser(Internal):
    """Find a user by address; it is in the body so that access logs contain no address."""

    email: EmailAddress


class CurrentUserView(Response):
    """The authenticated user: `GET /api/users/me`."""

    id: UUID
    email: EmailAddress
    role: Role
    permissions: list[str]
    status: UserStatus
    created_at: Instant


class AdministeredUser(Response):
    """A user as an admin sees it; the names are null without a profile."""

    id: UUID
    email: EmailAddress
    role: Role
    status: UserStatus
    first_name: str | None
    last_name: str | None
    display_name: str | None
    created_at: Instant


class UserPage(Response):
    """Users, newest first; `next` is the `before` of the following page, null at the end."""

    items: list[AdministeredUser]
    next: str | None


class AdministerUser(PublicRequest):
    """What an admin changes of a user; a field that is absent stays."""

    role: Role | None = None
    status: UserStatus | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.role is None and self.status is None:
            raise ValueError("role or status is needed")
        return self


class NewCredential(Internal):
    """A password to be hashed: from back-api to back-auth."""

    password: Password = Field(repr=False)


class CredentialAccepted(Internal):
    """The id under which back-auth stored the hash."""

    credential_id: UUID


class Credential(Internal):
    """A stored argon2id hash (PHC string format), between back-auth and back-postgres alone."""

    credential_id: UUID
    password_hash: Line = Field(max_length=256, repr=False)


class Rehash(Credential):
    """The same password hashed anew, in place of the credential that was read."""

    replaces: UUID


class ChangePassword(PublicRequest):
    """The password of the account and the one to replace it."""

    current: PasswordAttempt = Field(repr=False)
    new: Password = Field(repr=False)


class ReplacePassword(Credential):
    """The hash of a new password, in place of the credential that was read."""

    replaces: UUID


class UserCredential(Internal):
    """A user and the hash to check a password against; a new password has a new version."""

    user: User
    credential_id: UUID
    password_hash: str = Field(repr=False)
    password_version: int = Field(default=1, ge=1)


class SweepCredentials(Internal):
    """Remove credentials that no user or registration claimed within `older_than_seconds`."""

    older_than_seconds: int = Field(ge=60)


class Swept(Internal):
    """How many rows were removed."""

    removed: int


class UserRoleChanged(EventPayload):
    """`user.role.changed`: the user has the role `role`."""

    user_id: UUID
    role: Role


class AdminMade(EventPayload):
    """`user.admin.made`: an operator made the user an admin at a command line.

    `operator` is the operator's login name and machine.
    """

    user_id: UUID
    operator: Line = Field(max_length=200)


class UserStatusChanged(EventPayload):
    """`user.status.changed`: the user has the status `status`."""

    user_id: UUID
    status: UserStatus


class UserAdministered(EventPayload):
    """`user.administered`: an admin changed a user; role and status are those after the change."""

    user_id: UUID
    actor_id: UUID
    role: Role
    status: UserStatus
    network: Network


class UsersRead(EventPayload):
    """`users.read`: the actor, an admin, read one user or, when `subject_id` is None, a list.

    It is an entry of the actor, as `audit.read` is.
    """

    actor_id: UUID
    subject_id: UUID | None
    network: Network


class PasswordChanged(EventPayload):
    """`user.password.changed`: the user has another password, and sessions have ended for it.

    All of them after a reset, all others after a change.
    """

    user_id: UUID
    network: Network
    device: Device


class SessionsRevoked(EventPayload):
    """`user.sessions.revoked`: sessions of a generation below `session_generation` have ended."""

    user_id: UUID
    session_generation: int = Field(ge=1)
