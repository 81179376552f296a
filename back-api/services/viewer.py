"""Who looks at something whose visibility depends on the role."""

from dataclasses import dataclass
from typing import Self
from uuid import UUID

from pydantic import TypeAdapter

from shared.models.user import Role

_ROLE: TypeAdapter[Role] = TypeAdapter(Role)


@dataclass(frozen=True)
class Viewer:
    """A user and the role of the session."""

    user_id: UUID
    role: Role

    @classmethod
    def of(cls, user_id: UUID, role: str) -> Self:
        """Raises ValidationError for an unknown role."""
        return cls(user_id, _ROLE.validate_python(role))
