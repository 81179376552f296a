"""What goes with another password of a user: its events, and the end of the user's sessions."""

from typing import Protocol, TypeVar
from uuid import UUID

import structlog
from pydantic import BaseModel

from services.request_origin import RequestOrigin
from shared.kit.errors import ServiceError
from shared.kit.http.context import correlation_id
from shared.models.auth import OtherSessionsRevoked, RevokeGenerations
from shared.models.event import Command
from shared.models.user import PasswordChanged, User

log = structlog.get_logger()

Data = TypeVar("Data", bound=BaseModel)


class Generations(Protocol):
    """Revokes sessions by their generation."""

    async def revoke(self, revoked: RevokeGenerations) -> None:
        """Revoke the user's sessions of smaller generations, but not the kept one."""
        ...


def revocation_of(user: User, kept_sid: UUID | None) -> OtherSessionsRevoked:
    """The end of the user's sessions but the kept one, once the password is replaced.

    The transaction that replaces it raises the generation by one, or fails as the user's version
    has changed.
    """
    return OtherSessionsRevoked(
        user_id=user.id, session_generation=user.session_generation + 1, kept_sid=kept_sid
    )


def password_command(
    data: Data, user: User, revoked: OtherSessionsRevoked, origin: RequestOrigin
) -> Command[Data]:
    """The command with `user.password.changed` and `auth.sessions.revoked`."""
    return Command.with_event(
        "user.password.changed",
        PasswordChanged(user_id=user.id, network=origin.network, device=origin.device),
        data=data,
        aggregate_id=user.id,
        expected_version=user.version,
        correlation_id=correlation_id(),
    ).and_event(
        "auth.sessions.revoked", revoked, aggregate_id=user.id, correlation_id=correlation_id()
    )


async def revoke_at_once(generations: Generations, revoked: OtherSessionsRevoked) -> None:
    """Revoke before the answer. Where that fails the event does it, a little later."""
    try:
        await generations.revoke(RevokeGenerations(**revoked.model_dump()))
    except ServiceError as error:
        log.warning("revocation_left_to_the_event", user_id=str(revoked.user_id), reason=error.code)
