"""Sessions of tests."""

import hashlib
from uuid import UUID, uuid4

from shared.models.auth import LoginSucceeded, NewSession
from shared.models.event import NewEvent

NETWORK = "192.0.2.7"
DEVICE = "a browser"


def hashed(word: str) -> str:
    """The SHA-256 of a word, as refresh tokens are stored."""
    return hashlib.sha256(word.encode()).hexdigest()


def new_session(
    user_id: UUID | None = None,
    *,
    sid: UUID | None = None,
    generation: int = 1,
    expires_in: int = 600,
) -> NewSession:
    """The session of a login, whose first refresh token is the word `first`."""
    user_id, sid = user_id or uuid4(), sid or uuid4()
    succeeded = LoginSucceeded(user_id=user_id, sid=sid, network=NETWORK, device=DEVICE)
    return NewSession(
        sid=sid,
        user_id=user_id,
        refresh_hash=hashed("first"),
        expires_in=expires_in,
        generation=generation,
        network=NETWORK,
        device=DEVICE,
        event=NewEvent.of(
            "auth.login.succeeded",
            succeeded,
            aggregate_id=user_id,
            command_id=sid,
            correlation_id="correlation-1",
        ),
    )
