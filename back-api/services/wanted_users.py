"""Which users a list holds."""

from dataclasses import dataclass

from shared.models.user import Role, UserStatus


@dataclass(frozen=True)
class WantedUsers:
    """`search` is the beginning of an address, of a name or of a display name, in any case."""

    search: str | None = None
    role: Role | None = None
    status: UserStatus | None = None
