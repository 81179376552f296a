"""Registrations: attempts to register an address, their confirmation and their events.

A registration has the id that its user gets once it is confirmed; before that no user exists. An
address may have several registrations, each with a password of its own.
"""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from shared.models.auth import SHA256, MailPurpose, StoredMailToken
from shared.models.base import (
    EventPayload,
    Instant,
    Internal,
    Line,
    Network,
    PublicRequest,
    Response,
)
from shared.models.user import EmailAddress, Password, PasswordAttempt, UserStatus

MailTokenText = Annotated[Line, StringConstraints(min_length=1, max_length=256)]
"""A token as it stands in the link of a mail."""


class UserRegistration(PublicRequest):
    """What a visitor sends to sign up."""

    email: EmailAddress
    password: Password = Field(repr=False)
    accept_terms: bool


class RegistrationAccepted(Response):
    """The answer to a registration, the same for a free and for a taken address."""

    user_id: UUID
    status: Literal["pending_verification"] = "pending_verification"


class NewRegistration(Internal):
    """A registration to store, with the id of its stored credential."""

    user_id: UUID
    email: EmailAddress
    credential_id: UUID
    terms_version: Line = Field(max_length=20)
    terms_accepted_at: Instant
    network: Network
    expires_at: Instant


class RegistrationStored(Internal):
    """The id of the stored registration."""

    user_id: UUID


class Registration(Internal):
    """A registration that waits for its confirmation.

    `address_taken`: a user has the address, so that it can't be confirmed.
    """

    user_id: UUID
    email: EmailAddress
    expires_at: Instant
    address_taken: bool


class VerifyEmail(PublicRequest):
    """The token from the confirmation mail, and the password of a registration of its address."""

    token: MailTokenText = Field(repr=False)
    password: PasswordAttempt = Field(repr=False)


class EmailVerified(Response):
    """The account that was confirmed."""

    user_id: UUID
    status: UserStatus


class TryMailToken(Internal):
    """Use up one of the `tries_max` tries of a mail token."""

    token_hash: str = Field(pattern=SHA256)
    purpose: MailPurpose
    tries_max: int = Field(ge=1, le=100)


class RegistrationCredential(Internal):
    """The hash that a password of the registration `user_id` has to match."""

    user_id: UUID
    password_hash: str = Field(repr=False)


class MailTokenTried(Internal):
    """A mail token and what it may confirm, at most 20 candidates.

    They are the unconfirmed registrations of its address, that of the token first and then the
    newest; of a used token the user whom it confirmed.
    """

    token: StoredMailToken
    candidates: list[RegistrationCredential]


class ConfirmRegistration(Internal):
    """Use up a mail token and make a user of the registration `user_id` of its address."""

    token_hash: str = Field(pattern=SHA256)
    user_id: UUID


class SweepRegistrations(Internal):
    """Remove registrations that ended, and mail tokens that ended `older_than_seconds` ago."""

    older_than_seconds: int = Field(ge=60)


class UserRegistered(EventPayload):
    """`user.registered`: somebody registered an address, which has to be confirmed."""

    user_id: UUID


class UserVerified(EventPayload):
    """`user.verified`: an address was confirmed; the user exists from now on."""

    user_id: UUID
