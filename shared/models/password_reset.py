"""Forgotten passwords: a link by mail, and the password that its token sets."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from shared.models.auth import SHA256
from shared.models.base import Device, EventPayload, Network, PublicRequest, Response
from shared.models.registration import MailTokenText
from shared.models.user import Credential, EmailAddress, Password


class RequestPasswordReset(PublicRequest):
    """The address of the account whose password is forgotten."""

    email: EmailAddress


class PasswordResetAccepted(Response):
    """The answer to a request, the same whether or not an account has the address."""

    status: Literal["accepted"] = "accepted"


class ConfirmPasswordReset(PublicRequest):
    """The token of the mail, and the password to set."""

    token: MailTokenText = Field(repr=False)
    password: Password = Field(repr=False)


class ResetPassword(Credential):
    """Use up the token of a mail and give `user_id` the hash of another password."""

    token_hash: str = Field(pattern=SHA256)
    user_id: UUID


class PasswordResetRequested(EventPayload):
    """`auth.password_reset.requested`: the user is to get a mail with a link.

    For an address without an account `user_id` is a fresh one, which nobody has.
    """

    user_id: UUID
    network: Network
    device: Device
