"""Responses that are stored under an `Idempotency-Key`."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from shared.models.base import Internal

STORED_BODY_MAX = 65_536
"""Characters of the longest body that is stored."""


class StoredResponse(Internal):
    """An HTTP response as its first caller got it."""

    status: int = Field(ge=200, le=499)
    headers: dict[str, str]
    body: str = Field(max_length=STORED_BODY_MAX)


class BeginRequest(Internal):
    """Begin the request `command_id`, or learn what became of it.

    `fingerprint` is a keyed hash of its content. Whoever begins it holds it under `token` for
    `lease_seconds`; a repeat with the same token holds it too.
    """

    command_id: UUID
    fingerprint: str = Field(pattern=r"^[0-9a-f]{64}$")
    token: UUID
    lease_seconds: int = Field(ge=1, le=120)


class RequestState(Internal):
    """`begun`: the caller holds it. `running`: somebody else does. `reused`: it has another
    fingerprint. `answered`: `response` is its response.
    """

    state: Literal["begun", "running", "reused", "answered"]
    response: StoredResponse | None = None


class FinishRequest(Internal):
    """Store the response of a request that is held under `token`."""

    command_id: UUID
    user_id: UUID
    token: UUID
    response: StoredResponse


class AbandonRequest(Internal):
    """Forget a request that is held under `token` and has no response to store."""

    command_id: UUID
    token: UUID
