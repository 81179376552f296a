"""Access tokens; no other module of the stack signs them."""

from collections.abc import Callable
from uuid import UUID

from services.key_ring import KeyRing
from services.permission_service import permissions_of
from shared.models.base import now
from shared.models.user import User
from shared.security.signing import generate_jwt


class TokenService:
    """Signs access tokens with the current signing key; `expires_in` in seconds."""

    def __init__(self, ring: Callable[[], KeyRing], *, expires_in: int) -> None:
        self._ring = ring
        self.expires_in = expires_in

    def issue(self, user: User, sid: UUID) -> str:
        """A token for one session of a user, with the permissions of the user's role."""
        ring = self._ring()
        return generate_jwt(
            user_id=user.id,
            sid=sid,
            role=user.role,
            permissions=permissions_of(user.role),
            key=ring.signing_key,
            kid=ring.signing_kid,
            issued_at=now(),
            expires_in=self.expires_in,
        )
