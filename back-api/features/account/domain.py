"""What a user sees of their own account."""

from collections.abc import Collection
from typing import Protocol
from uuid import UUID

from shared.kit.errors import NotFound, Unauthenticated
from shared.models.user import CurrentUserView, User


class Users(Protocol):
    """Reads users."""

    async def get(self, user_id: UUID) -> User:
        """Raises NotFound."""


async def current_user(
    users: Users, user_id: UUID, permissions: Collection[str]
) -> CurrentUserView:
    """The stored user, with the permissions of the access token.

    Raises:
        Unauthenticated: `account_gone`, the user of a valid token no longer exists.
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
