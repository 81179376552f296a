"""The permissions of each role."""

from collections.abc import Mapping
from typing import Final

from shared.models.user import Role

_USER: Final[frozenset[str]] = frozenset()
_ADMIN: Final = _USER | {
    "audit:read",
    "events:read",
    "events:replay",
    "maintenance:run",
    "tools:manage",
    "users:export",
    "users:notify",
    "users:read",
    "users:write",
}

_PERMISSIONS: Final[Mapping[Role, frozenset[str]]] = {"user": _USER, "admin": _ADMIN}


def permissions_of(role: Role) -> list[str]:
    """The permissions of a role, sorted."""
    return sorted(_PERMISSIONS[role])
