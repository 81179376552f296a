"""ASGI middleware: correlation id, trace, deadline, body limit and one log line a request."""

import asyncio
import re
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.kit.errors import PayloadTooLarge, ServiceError, TimedOut
from shared.kit.http import context
from shared.kit.http.garbage_collection import collecting_little_once_started
from shared.kit.http.headers import CORRELATION_HEADER, DEADLINE_HEADER, TRACE_HEADER
from shared.kit.http.problems import problem_response

log = structlog.get_logger()

_LONGEST_DEADLINE = 60.0  # seconds that a caller may ask for
_TOKEN = re.compile(r"(?<=/)[A-Za-z0-9_-]{40,}(?=/|$)")


class RequestContext:
    """The middleware around a whole service."""

    def __init__(self, app: ASGIApp, *, deadline: float, body_max_bytes: int) -> None:
        self._app = app
        self._deadline = deadline
        self._body_max = body_max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, collecting_little_once_started(send))
            return
        headers = Headers(scope=scope)
        deadline = _given_deadline(headers.get(DEADLINE_HEADER)) or self._deadline
        with context.correlated(
            headers.get(CORRELATION_HEADER),
            headers.get(TRACE_HEADER),
            deadline=deadline if scope["type"] == "http" else None,
        ):
            if scope["type"] == "websocket":
                await self._app(scope, receive, send)
            else:
                await _Exchange(self._app, deadline, self._body_max).run(scope, receive, send)


class _Exchange:
    """One HTTP request and its response."""

    def __init__(self, app: ASGIApp, deadline: float, body_max: int) -> None:
        self._app = app
        self._deadline = deadline
        self._body_max = body_max
        self._received = 0
        self._status: int | None = None

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()

        async def limited_receive() -> Message:
            message = await receive()
            self._received += len(message.get("body", b""))
            self._refuse_beyond_limit(str(self._received))
            return message

        async def noting_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._status = message["status"]
                MutableHeaders(scope=message)[CORRELATION_HEADER] = context.correlation_id()
            await send(message)

        async def timely_send(message: Message) -> None:
            if self._status is None:
                _end(limit)
            await noting_send(message)

        try:
            async with asyncio.timeout(self._deadline) as limit:
                self._refuse_beyond_limit(Headers(scope=scope).get("content-length", "0"))
                await self._app(scope, limited_receive, timely_send)
        except ServiceError as error:
            await self._answer(error, scope, receive, noting_send)
        except TimeoutError:
            if not limit.expired():
                log.exception("request_crashed", method=scope["method"], path=_logged(scope))
                await self._answer(ServiceError(), scope, receive, noting_send)
            else:
                await self._answer(
                    TimedOut("The request took too long."), scope, receive, noting_send
                )
        except Exception:
            log.exception("request_crashed", method=scope["method"], path=_logged(scope))
            await self._answer(ServiceError(), scope, receive, noting_send)
        finally:
            health = scope["path"].startswith("/health")
            (log.debug if health else log.info)(
                "request",
                method=scope["method"],
                path=_logged(scope),
                status=self._status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )

    def _refuse_beyond_limit(self, length: str) -> None:
        if length.isascii() and length.isdigit() and int(length[:19]) > self._body_max:
            raise PayloadTooLarge(f"At most {self._body_max} bytes are accepted.")

    async def _answer(
        self, error: ServiceError, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if self._status is None:
            await problem_response(error, scope["path"])(scope, receive, send)


def _logged(scope: Scope) -> str:
    """The path without the tokens in it: a segment that is longer than an id."""
    path: str = scope["path"]
    return _TOKEN.sub("***", path)


def _end(limit: asyncio.Timeout) -> None:
    """The deadline is for the start of a response: a stream may last."""
    if limit.expired():  # the app answers just too late, perhaps that it ran out of time
        raise TimeoutError
    limit.reschedule(None)


def _given_deadline(text: str | None) -> float | None:
    if text and text.isascii() and text.isdigit():
        return min(max(int(text[:9]) / 1000, 0.001), _LONGEST_DEADLINE)
    return None
