"""Access tokens; no other module of the stack signs them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from services.key_ring import KeyRing
from services.permission_service import permissions_of
from shared.models.user import User
from shared.security.jwt import AccessToken
from shared.security.signing import generate_jwt


class TokenService:
    """Signs access tokens with the current signing key; `expires_in` in seconds."""

    def __init__(self, ring: Callable[[], KeyRing], *, expires_in: int) -> None:
        self._ring = ring
        self.expires_in = expires_in

    def issue(self, user: User, sid: UUID, *, token_id: UUID, issued_at: datetime) -> str:
        """A token for one session of a user, with the permissions of the user's role.

        The same arguments and signing key make the same token.
        """
        ring = self._ring()
        access = AccessToken(
            user_id=user.id,
            sid=sid,
            generation=user.session_generation,
            role=user.role,
            permissions=frozenset(permissions_of(user.role)),
            issued_at=issued_at,
            expires_at=issued_at + timedelta(seconds=self.expires_in),
        )
        return generate_jwt(access, token_id=token_id, key=ring.signing_key, kid=ring.signing_kid)
