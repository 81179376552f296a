"""Responses of requests that may be repeated: held while one runs, then kept for a time."""

from uuid import UUID

from settings import Settings
from shared.kit.errors import Conflict
from shared.models.idempotency import (
    AbandonRequest,
    BeginRequest,
    FinishRequest,
    RequestState,
    StoredResponse,
)
from valkey_client import Script, ValkeyClient


class ResponseStore:
    """Raises Unavailable, from every method, when Valkey can't answer."""

    def __init__(self, valkey: ValkeyClient, settings: Settings) -> None:
        self._begin: Script[tuple[str, str]] = valkey.script("begin_request")
        self._finish: Script[int] = valkey.script("finish_request")
        self._abandon: Script[None] = valkey.script("abandon_request")
        self._forget: Script[None] = valkey.script("forget_responses")
        self._kept_seconds = settings.idempotency_kept_seconds
        self._kept_per_user = settings.idempotency_kept_per_user

    async def begin(self, request: BeginRequest) -> RequestState:
        """Hold the request under its token, unless somebody holds it or it has a response."""
        arguments: list[str | int] = [
            request.fingerprint,
            str(request.token),
            request.lease_seconds,
        ]
        state, response = await self._begin([_key(request.command_id)], arguments)
        return RequestState.model_validate(
            {
                "state": state,
                "response": StoredResponse.model_validate_json(response) if response else None,
            }
        )

    async def finish(self, request: FinishRequest) -> None:
        """Store the response; a user's oldest go when there are too many.

        Raises:
            Conflict: `lease_lost`, the request is not held under this token any more.
        """
        held = await self._finish(
            [_key(request.command_id), _keys_of(request.user_id)],
            [
                str(request.token),
                request.response.model_dump_json(),
                self._kept_seconds,
                self._kept_per_user,
                str(request.command_id),
            ],
        )
        if not held:
            raise Conflict("The request is not held any more.", code="lease_lost")

    async def abandon(self, request: AbandonRequest) -> None:
        """Forget the request, where it is held under this token and has no response."""
        await self._abandon([_key(request.command_id)], [str(request.token)])

    async def forget(self, user_id: UUID) -> None:
        """Remove the responses of a user; those that are finished later end by themselves."""
        await self._forget([_keys_of(user_id)], [])


def _keys_of(user_id: UUID) -> str:
    return f"idempotency-of:{user_id}"


def _key(command_id: UUID) -> str:
    return f"idempotency:{command_id}"
