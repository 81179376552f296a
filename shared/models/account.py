"""A user's own account: its deletion."""

from typing import Final, Literal
from uuid import UUID

from pydantic import Field

from shared.models.base import (
    Device,
    EventPayload,
    Internal,
    Network,
    PublicRequest,
    Response,
)
from shared.models.event import Consumer
from shared.models.user import PasswordAttempt

LAST_GENERATION: Final = 2**31 - 1
"""The `session_generation` of a deleted user: no session is of it, so all have ended for good."""


class DeleteAccount(PublicRequest):
    """The password of the account that is to be deleted."""

    password: PasswordAttempt = Field(repr=False)


class AccountDeletion(Response):
    """The account is gone, and every store forgets its user within a minute."""

    user_id: UUID
    status: Literal["deleting"] = "deleting"


class CheckPassword(Internal):
    """Check a password of a user, who asks from `network` with `device`."""

    user_id: UUID
    password: PasswordAttempt = Field(repr=False)
    network: Network
    device: Device


class PasswordChecked(Internal):
    """Whether it is the password of the user."""

    matches: bool


class DeleteUser(Internal):
    """Remove a user with all rows that belong to them."""

    user_id: UUID


class UserRemoved(Internal):
    """The user who was removed."""

    user_id: UUID


class ForgetUser(Internal):
    """Remove what the outbox holds of a deleted user: answers of commands, fields of events.

    Deliveries to the consumers `undelivered`, other than those of the event `deletion_id`, are
    not made any more.
    """

    user_id: UUID
    deletion_id: UUID
    undelivered: list[Consumer] = Field(max_length=20)


class UserForgotten(Internal):
    """How many rows were changed; more are left where `complete` is false."""

    commands: int
    deliveries: int
    events: int
    complete: bool


class UserDeleted(EventPayload):
    """`user.deleted`: the user deleted their account; every store forgets them."""

    user_id: UUID
