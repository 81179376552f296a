"""What is told to a user about themselves."""

from collections.abc import Collection
from typing import Protocol
from uuid import UUID

from shared.kit.errors import NotFound, Unauthenticated
from shared.models.user import CurrentUserView, User


class Users(Protocol):
    """The users that there are."""

    async def get(self, user_id: UUID) -> User:
        """Raises NotFound."""


async def current_user(
    users: Users, user_id: UUID, permissions: Collection[str]
) -> CurrentUserView:
    """The user as they are now, with the permissions that their token grants.

    Raises:
        Unauthenticated: the token is valid and its user is gone.
    """
    try:
        user = await users.get(user_id)
    except NotFound as error:
        raise Unauthenticated("This account no longer exists.", code="account_gone") from error
    return CurrentUserView(
        id=user.id,
        email=user.email,
        role=user.role,
        permissions=sorted(permissions),
        status=user.status,
        created_at=user.created_at,
    )
