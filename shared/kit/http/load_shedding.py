"""ASGI middleware that refuses requests beyond what the service can hold, before any other work."""

import json
import time
from collections.abc import Hashable, Iterable
from typing import Protocol

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.kit.contract_registry import RequestClasses
from shared.kit.errors import Overloaded, Unauthenticated
from shared.kit.http import context
from shared.kit.http.concurrency_limit import Admission, ConcurrencyLimit
from shared.kit.http.headers import (
    ASSERTION_HEADER,
    CORRELATION_HEADER,
    OVERLOADED_HEADER,
    PRIORITY_HEADER,
)
from shared.kit.http.problems import MEDIA_TYPE, problem_of

log = structlog.get_logger()

_ASSERTION = ASSERTION_HEADER.lower().encode()
_CORRELATION = CORRELATION_HEADER.lower().encode()
_PRIORITY = PRIORITY_HEADER.lower().encode()
_LOG_SECONDS = 1.0
_RETRY_AFTER_SECONDS = 1


class Callers(Protocol):
    """Tells who made a service assertion; see `shared.kit.auth.service_identity`."""

    def caller(self, assertion: str | None) -> str:
        """Raises Unauthenticated where it is not valid."""


class LoadShedding:
    """Answers 503 `overloaded` to requests beyond the limit.

    Critical requests use the reserved share: those that the contracts name, and those that a
    service makes while it answers a critical one. Health, WebSockets and what the contracts call
    held open are not counted.
    """

    def __init__(
        self, app: ASGIApp, *, classes: RequestClasses, limit: ConcurrencyLimit, callers: Callers
    ) -> None:
        self._app = app
        self._classes = classes
        self._limit = limit
        self._callers = callers
        self._body = _PreparedBody()
        self._refused = 0
        self._refused_logged = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/health"):
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        critical = self._classes.is_critical(method, path) or self._is_called_for_critical(scope)
        with context.priority(critical=critical):
            if self._classes.is_held_open(method, path):
                await self._app(scope, receive, send)
                return
            admission = self._limit.admit(critical=critical)
            if admission is None:
                await self._refuse(scope, send)
            else:
                await self._run(admission, scope, receive, send)

    async def _run(self, admission: Admission, scope: Scope, receive: Receive, send: Send) -> None:
        status = 0

        async def noting_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting_send)
        finally:
            if status == 504:
                self._limit.finish(admission, None)
            elif status in {0, 500, 503}:
                self._limit.leave()
            else:
                kind: Hashable = (scope.get("endpoint"), status)
                self._limit.finish(admission, kind)

    def _is_called_for_critical(self, scope: Scope) -> bool:
        if _header(scope, _PRIORITY) != "critical":
            return False
        try:
            self._callers.caller(_header(scope, _ASSERTION))
        except Unauthenticated:
            return False
        return True

    async def _refuse(self, scope: Scope, send: Send) -> None:
        self._note_refusal()
        correlation = context.accepted_correlation_id(_header(scope, _CORRELATION))
        body = self._body.of(scope["path"], correlation)
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"retry-after", str(_RETRY_AFTER_SECONDS).encode()),
            (OVERLOADED_HEADER.lower().encode(), b"true"),
            (_CORRELATION, correlation.encode()),
        ]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _note_refusal(self) -> None:
        """One line a second for all refusals: a line for each would be load of its own."""
        self._refused += 1
        now = time.monotonic()
        if now - self._refused_logged >= _LOG_SECONDS:
            log.warning(
                "overloaded",
                refused=self._refused,
                limit=self._limit.limit,
                in_flight=self._limit.in_flight,
            )
            self._refused, self._refused_logged = 0, now


class _PreparedBody:
    """The problem of a refusal, made but for the request's path and correlation id."""

    def __init__(self) -> None:
        text = problem_of(Overloaded(), "INSTANCE", "CORRELATION")
        self._start, _, rest = text.partition('"INSTANCE"')
        self._middle, _, self._end = rest.partition('"CORRELATION"')

    def of(self, instance: str, correlation: str) -> bytes:
        """The JSON text; a correlation id has no character that JSON escapes."""
        middle = f'{self._middle}"{correlation}"{self._end}'
        return f"{self._start}{json.dumps(instance)}{middle}".encode()


def _header(scope: Scope, wanted: bytes) -> str | None:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    for name, value in headers:
        if name == wanted:
            return value.decode("latin-1")
    return None
