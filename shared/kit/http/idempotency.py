"""`Idempotency-Key`: a request that is repeated gets the response of the first time.

After draft-ietf-httpapi-idempotency-key-header. A handler takes `Once` and runs its write by it:

    @routes.post("", status_code=201, response_model=Profile)
    async def create(body: ProfileCreate, user: CurrentUser, once: Once) -> Response:
        return await once(user.id, lambda command_id: profiles.create(user.id, body, command_id))

All ids that the write makes must follow from `command_id`, which follows from user, route and key.
The stored answer of the command decides what happened; the store of responses only saves the work,
and a write is as exact without it.
"""

import asyncio
import hmac
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Protocol, TypeVar
from uuid import UUID, uuid4, uuid5

import structlog
from fastapi import Depends, Header, Request
from pydantic import BaseModel
from starlette.responses import Response

from shared.kit.errors import (
    Conflict,
    InvalidRequest,
    RuleViolated,
    ServiceError,
    TimedOut,
    Unavailable,
)
from shared.kit.http.headers import IDEMPOTENCY_KEY_HEADER, REPLAYED_HEADER
from shared.kit.http.problems import problem_response
from shared.models.idempotency import (
    STORED_BODY_MAX,
    AbandonRequest,
    BeginRequest,
    FinishRequest,
    RequestState,
    StoredResponse,
)

log = structlog.get_logger()

Written = TypeVar("Written", bound=BaseModel | None)
Write = Callable[[UUID], Awaitable[Written]]

_TOKEN = re.compile(r"[\x21\x23-\x7e][\x21-\x7e]{0,254}")
_QUOTED = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"')
_FIRST_PAUSE = 0.02  # seconds, doubled at each look
_LONGEST_PAUSE = 0.32


class ResponseStore(Protocol):
    """Stores the responses of requests by their command_id, for a time."""

    async def begin(self, request: BeginRequest) -> RequestState:
        """Hold the request, unless somebody holds it or its response is stored."""

    async def finish(self, request: FinishRequest) -> None:
        """Store a response. Raises Conflict `lease_lost`: somebody else holds the request."""

    async def abandon(self, request: AbandonRequest) -> None:
        """End the hold; a request that somebody else holds stays as it is."""


@dataclass(frozen=True, slots=True)
class Idempotency:
    """How a service treats keys.

    `hash_key` makes fingerprints of bodies that nobody can guess a body from. A repeat waits
    `wait_seconds` for the first one; a hold ends by itself after `lease_seconds`.
    """

    store: ResponseStore
    hash_key: bytes
    wait_seconds: float
    lease_seconds: int


class IdempotentRequest:
    """One request and its key, if it has one."""

    def __init__(self, request: Request, key: str | None) -> None:
        self._request = request
        self._key = key

    async def __call__(
        self,
        user_id: UUID,
        write: Write[Written],
        *,
        location: Callable[[Written], str] | None = None,
    ) -> Response:
        """The response of `write`, or the stored one of the first request with this key.

        `location` gives the header Location from what was written. An error of the domain is
        stored too, but for 429 and those of a server.

        Raises:
            RuleViolated: `idempotency_key_reused`, the key came with another body before.
            Conflict: `request_in_progress`, the first request takes longer than a repeat waits.
        """
        if self._key is None:
            return self._response(await write(uuid4()), location)
        route = f"{self._request.method} {self._request.url.path}"
        command_id = uuid5(user_id, f"{route}\n{self._key}")
        idempotency: Idempotency = self._request.app.state.idempotency
        token = uuid4()
        begin = BeginRequest(
            command_id=command_id,
            fingerprint=await self._fingerprint(command_id, idempotency.hash_key),
            token=token,
            lease_seconds=idempotency.lease_seconds,
        )
        try:
            found = await _begun(idempotency, begin)
        except (Unavailable, TimedOut) as error:
            log.warning("response_store_out", reason=error.code)
            return await self._written(command_id, write, location)
        if found:
            return Response(found.body, found.status, found.headers | {REPLAYED_HEADER: "true"})
        try:
            response = await self._written(command_id, write, location)
        except Exception:
            await _ignoring_outages(
                idempotency.store.abandon(AbandonRequest(command_id=command_id, token=token))
            )
            raise
        body = bytes(response.body).decode()
        if len(body) <= STORED_BODY_MAX:
            headers = {
                name: it for name, it in response.headers.items() if name != "content-length"
            }
            stored = StoredResponse(status=response.status_code, headers=headers, body=body)
            finish = FinishRequest(
                command_id=command_id, user_id=user_id, token=token, response=stored
            )
            await _ignoring_outages(idempotency.store.finish(finish))
        return response

    async def _written(
        self,
        command_id: UUID,
        write: Write[Written],
        location: Callable[[Written], str] | None,
    ) -> Response:
        """The response of `write`; one of an error that a repeat would meet again, too."""
        try:
            return self._response(await write(command_id), location)
        except ServiceError as error:
            if error.code == "command_reused":
                raise _reused() from error
            if error.status == 429 or error.status >= 500:
                raise
            return problem_response(error, self._request.url.path)

    def _response(self, written: Written, location: Callable[[Written], str] | None) -> Response:
        status = self._request.scope["route"].status_code or 200
        headers = {"Location": location(written)} if location else None
        if written is None:
            return Response(status_code=status, headers=headers)
        return Response(written.model_dump_json(), status, headers, "application/json")

    async def _fingerprint(self, command_id: UUID, hash_key: bytes) -> str:
        # The order of fields and white space do not make another request.
        body = await self._request.body()
        try:
            content = json.dumps(json.loads(body), sort_keys=True)
        except (ValueError, RecursionError):  # no JSON: of a handler that reads no body
            content = body.hex()
        said = f"{command_id}\n{self._request.url.query}\n{content}"
        return hmac.digest(hash_key, said.encode(), "sha256").hex()


async def _request(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias=IDEMPOTENCY_KEY_HEADER,
            description="A string of 1 to 255 visible characters, quoted or not, of your choice: "
            "a repeat with the same key and body gets the response of the first request.",
        ),
    ] = None,
) -> IdempotentRequest:
    given = request.headers.getlist(IDEMPOTENCY_KEY_HEADER)
    if len(given) > 1:
        raise _invalid()
    return IdempotentRequest(request, None if idempotency_key is None else _key_of(given[0]))


Once = Annotated[IdempotentRequest, Depends(_request)]
"""Runs the write of a request, and answers a repeat as the first time. See the module."""


def _key_of(text: str) -> str:
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        return re.sub(r"\\(.)", r"\1", quoted[1])
    if _TOKEN.fullmatch(text):
        return text
    raise _invalid()


async def _begun(idempotency: Idempotency, begin: BeginRequest) -> StoredResponse | None:
    """The stored response, or None once the caller holds the request."""
    end = time.monotonic() + idempotency.wait_seconds
    pause = _FIRST_PAUSE
    while True:
        found = await idempotency.store.begin(begin)
        if found.state == "reused":
            raise _reused()
        if found.state != "running":
            return found.response
        if time.monotonic() + pause > end:
            raise Conflict(
                "The first request with this key is not answered yet.",
                code="request_in_progress",
                retry_after=1,
            )
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _ignoring_outages(call: Awaitable[None]) -> None:
    # The hold ends by itself, and a repeat gets the answer of the command.
    try:
        await call
    except (Conflict, Unavailable, TimedOut) as error:
        log.warning("response_not_stored", reason=error.code)


def _invalid() -> InvalidRequest:
    return InvalidRequest(
        "Idempotency-Key is one string of 1 to 255 visible characters, quoted or not.",
        code="idempotency_key_invalid",
    )


def _reused() -> RuleViolated:
    return RuleViolated(
        "This Idempotency-Key came with another request.", code="idempotency_key_reused"
    )
