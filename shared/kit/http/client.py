"""The HTTP client for calls between services.

It adds the deadline, safe retries, the circuit breaker, the service identity and the correlation
id to each call.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol, Self, TypeVar, overload
from urllib.parse import quote

import structlog
from pydantic import BaseModel

from shared.kit.contract_registry import contract_registry
from shared.kit.errors import ServiceError, TimedOut
from shared.kit.http import context
from shared.kit.http.circuit_breaker import CircuitBreaker
from shared.kit.http.connection_wait import ConnectionWait
from shared.kit.http.headers import (
    ASSERTION_HEADER,
    CORRELATION_HEADER,
    DEADLINE_HEADER,
    OVERLOADED_HEADER,
    PRIORITY_HEADER,
    RETRIED_HEADER,
    TRACE_HEADER,
)
from shared.kit.http.reply_parser import parse_reply, server_error, unavailable
from shared.kit.http.retry_budget import RetryBudget
from shared.kit.http.server_sent_events import ServerSentEvent, parse_events
from shared.kit.http.transport import (
    ConnectFailed,
    ConnectionBroke,
    Reply,
    Request,
    StreamedReply,
    Transport,
)

log = structlog.get_logger()

ResponseModel = TypeVar("ResponseModel", bound=BaseModel)

_ATTEMPTS = 3
_FIRST_BACKOFF = 0.05  # seconds, doubled at each retry, with full jitter
_REPEATABLE = frozenset({"GET", "PUT", "DELETE"})


class CallNotAllowed(Exception):
    """No contract allows this service to make this call."""


class AssertionSource(Protocol):
    """Makes the assertion that identifies the caller; see `shared.kit.auth.service_identity`."""

    def assertion_for(self, callee: str) -> str:
        """An assertion for one service, as the value of `X-Service-Assertion`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The time-out and retry policy of one call.

    `timeout` is in seconds, for all attempts together; `repeatable` where a retry is safe;
    `counts` where the outcome counts for the circuit breaker.
    """

    timeout: float
    repeatable: bool
    counts: bool = True


class ServiceClient:
    """Calls one service.

    Raises, from every call: the error of a problem+json response (`NotFound`, `Conflict`, …
    with its `code`); `Unavailable` where the service can't be reached; `CallFailed`, which is
    `Unavailable` too, where it answers a server error or refuses the call itself; `TimedOut` where
    it didn't answer in time.
    """

    def __init__(
        self,
        caller: str,
        callee: str,
        transport: Transport,
        assertions: AssertionSource,
        *,
        timeout: float = 2.0,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        self.callee = callee
        self._transport = transport
        self._patient = ConnectionWait(transport)
        self._retries = RetryBudget()
        self._assertions = assertions
        self._timeout = timeout
        self._breaker = breaker or CircuitBreaker()
        self._caller = caller
        self._allowed = contract_registry().calls(caller, callee)

    async def __aenter__(self) -> Self:
        await self._transport.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.close()

    @overload
    async def get(
        self,
        path: str,
        *,
        response_model: type[ResponseModel],
        params: Mapping[str, object] | None = ...,
        timeout: float | None = ...,
    ) -> ResponseModel: ...
    @overload
    async def get(
        self,
        path: str,
        *,
        response_model: None = ...,
        params: Mapping[str, object] | None = ...,
        timeout: float | None = ...,
    ) -> None: ...
    async def get(
        self,
        path: str,
        *,
        response_model: type[ResponseModel] | None = None,
        params: Mapping[str, object] | None = None,
        timeout: float | None = None,
    ) -> ResponseModel | None:
        """Send a GET; `params` that are None are left out."""
        return await self.call(
            "GET", path, response_model=response_model, params=params, timeout=timeout
        )

    @overload
    async def post(
        self,
        path: str,
        body: BaseModel | None = ...,
        *,
        response_model: type[ResponseModel],
        idempotent: bool = ...,
        timeout: float | None = ...,
    ) -> ResponseModel: ...
    @overload
    async def post(
        self,
        path: str,
        body: BaseModel | None = ...,
        *,
        response_model: None = ...,
        idempotent: bool = ...,
        timeout: float | None = ...,
    ) -> None: ...
    async def post(
        self,
        path: str,
        body: BaseModel | None = None,
        *,
        response_model: type[ResponseModel] | None = None,
        idempotent: bool = False,
        timeout: float | None = None,
    ) -> ResponseModel | None:
        """Send a POST. It is retried only where that is safe."""
        return await self.call(
            "POST",
            path,
            body,
            response_model=response_model,
            idempotent=idempotent,
            timeout=timeout,
        )

    @overload
    async def put(
        self, path: str, body: BaseModel | None = ..., *, response_model: type[ResponseModel]
    ) -> ResponseModel: ...
    @overload
    async def put(
        self, path: str, body: BaseModel | None = ..., *, response_model: None = ...
    ) -> None: ...
    async def put(
        self,
        path: str,
        body: BaseModel | None = None,
        *,
        response_model: type[ResponseModel] | None = None,
    ) -> ResponseModel | None:
        """Send a PUT."""
        return await self.call("PUT", path, body, response_model=response_model)

    @overload
    async def patch(
        self, path: str, body: BaseModel | None = ..., *, response_model: type[ResponseModel]
    ) -> ResponseModel: ...
    @overload
    async def patch(
        self, path: str, body: BaseModel | None = ..., *, response_model: None = ...
    ) -> None: ...
    async def patch(
        self,
        path: str,
        body: BaseModel | None = None,
        *,
        response_model: type[ResponseModel] | None = None,
    ) -> ResponseModel | None:
        """Send a PATCH."""
        return await self.call("PATCH", path, body, response_model=response_model)

    @overload
    async def delete(self, path: str, *, response_model: type[ResponseModel]) -> ResponseModel: ...
    @overload
    async def delete(self, path: str, *, response_model: None = ...) -> None: ...
    async def delete(
        self, path: str, *, response_model: type[ResponseModel] | None = None
    ) -> ResponseModel | None:
        """Send a DELETE."""
        return await self.call("DELETE", path, response_model=response_model)

    async def call(
        self,
        method: str,
        path: str,
        body: BaseModel | None = None,
        *,
        response_model: type[ResponseModel] | None = None,
        params: Mapping[str, object] | None = None,
        idempotent: bool = False,
        timeout: float | None = None,
    ) -> ResponseModel | None:
        """Make one call, with the retries that are safe and fit the deadline."""
        self._check(method, path)
        request = Request(
            method,
            quote(path, safe="/-._~"),
            {name: str(value) for name, value in (params or {}).items() if value is not None},
            {} if body is None else {"Content-Type": "application/json"},
            None if body is None else body.model_dump_json().encode(),
        )
        policy = Policy(
            timeout=timeout or self._timeout,
            repeatable=idempotent or method in _REPEATABLE or hasattr(body, "command_id"),
            counts=timeout is None or timeout <= self._timeout,
        )
        reply = await self._send(request, policy)
        return parse_reply(self.callee, reply, response_model)

    async def probe(self, path: str, *, timeout: float = 1.0) -> None:
        """Ask for the state of the callee: once, past the circuit breaker and without waiting.

        Raises `Unavailable` or `TimedOut` where it does not answer 2xx.
        """
        request = Request("GET", path, headers=self._headers(timeout))
        try:
            reply = await self._transport.send(request, timeout)
        except (ConnectFailed, ConnectionBroke) as error:
            raise unavailable(self.callee) from error
        except TimeoutError as error:
            raise TimedOut(f"{self.callee} did not answer in time.") from error
        parse_reply(self.callee, reply, None)

    def check_breaker(self) -> None:
        """Raises `Unavailable` while the circuit breaker refuses every call."""
        if self._breaker.refuses:
            raise unavailable(self.callee)

    async def events(
        self,
        path: str,
        *,
        since: str | None = None,
        silence: float = 2.0,
    ) -> AsyncGenerator[ServerSentEvent, None]:
        """Server-sent events from `path`, after the one with id `since`.

        Raises `Unavailable` when the stream breaks, ends, or is silent for `silence` seconds.
        """
        self._check("GET", path)
        request = Request(
            "GET", path, {} if since is None else {"since": since}, self._headers(None)
        )
        try:
            async with self._transport.stream(request, silence=silence) as reply:
                if reply.status != 200:
                    body = b"".join([chunk async for chunk in reply.chunks])
                    parse_reply(self.callee, Reply(reply.status, reply.headers, body), None)
                async for event in parse_events(reply.chunks):
                    yield event
        except (ConnectFailed, ConnectionBroke, TimeoutError) as error:
            raise unavailable(self.callee) from error
        raise unavailable(self.callee)

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        silence: float = 10.0,
    ) -> AsyncIterator[StreamedReply]:
        """Send a GET and read its body in chunks, for what is too large to hold; no retries.

        Raises also `Unavailable` when the body breaks off or is silent for `silence` seconds.
        """
        self._check("GET", path)
        asked = {name: str(value) for name, value in (params or {}).items()}
        request = Request("GET", quote(path, safe="/-._~"), asked, self._headers(None))
        try:
            async with self._transport.stream(request, silence=silence) as reply:
                if reply.status >= 400:
                    body = b"".join([chunk async for chunk in reply.chunks])
                    parse_reply(self.callee, Reply(reply.status, reply.headers, body), None)
                yield reply
        except (ConnectFailed, ConnectionBroke, TimeoutError) as error:
            raise unavailable(self.callee) from error

    async def _send(self, request: Request, policy: Policy) -> Reply:
        left = context.remaining()
        timeout = policy.timeout if left is None else min(policy.timeout, left)
        deadline = time.monotonic() + timeout
        attempt = 1
        self._retries.deposit()
        while True:
            error: ServiceError
            try:
                reply = await self._attempt(request, policy, deadline)
                if reply.status < 500:
                    return reply
                safe = policy.repeatable and not _callee_runs(reply)
                error = server_error(self.callee, reply)
            except ConnectFailed as refused:
                raise unavailable(self.callee) from refused
            except ConnectionBroke:
                safe, error = policy.repeatable, unavailable(self.callee)
            except TimeoutError:
                safe = policy.repeatable
                error = TimedOut(f"{self.callee} did not answer in time.", retried=True)
            pause = random.uniform(0, _FIRST_BACKOFF * 2**attempt)  # noqa: S311  (jitter)
            in_time = deadline - time.monotonic() > pause
            if not (safe and attempt < _ATTEMPTS and in_time and self._retries.withdraw()):
                raise error
            log.warning(
                "call_retried",
                callee=self.callee,
                method=request.method,
                path=request.path,
                attempt=attempt,
                error=error.code,
            )
            await asyncio.sleep(pause)
            attempt += 1

    async def _attempt(self, request: Request, policy: Policy, deadline: float) -> Reply:
        timeout = deadline - time.monotonic()
        if timeout <= 0:
            raise TimeoutError
        if policy.counts and not self._breaker.allow():
            raise unavailable(self.callee)
        headers = request.headers | self._headers(timeout)
        try:
            reply = await self._patient.send(replace(request, headers=headers), timeout)
        except (ConnectionBroke, TimeoutError):
            if policy.counts:
                self._breaker.failed()
            raise
        except (ConnectFailed, asyncio.CancelledError):
            if policy.counts:
                self._breaker.gave_up()
            raise
        if policy.counts:
            # A 500 is about one request.
            ok = reply.status <= 500 or _callee_runs(reply)
            (self._breaker.succeeded if ok else self._breaker.failed)()
        return reply

    def _headers(self, timeout: float | None) -> dict[str, str]:
        headers = {
            ASSERTION_HEADER: self._assertions.assertion_for(self.callee),
            "Accept": "application/json",
        }
        if correlation := context.correlation_id():
            headers[CORRELATION_HEADER] = correlation
        if here := context.trace():
            headers[TRACE_HEADER] = here.traceparent
        if context.is_critical():
            headers[PRIORITY_HEADER] = "critical"
        if timeout is not None:
            headers[DEADLINE_HEADER] = str(max(1, int(timeout * 1000)))
        return headers

    def _check(self, method: str, path: str) -> None:
        if self._allowed and self._allowed.fullmatch(f"{method} {path}"):
            return
        raise CallNotAllowed(
            f"no contract in shared/contracts allows {self._caller} to call {method} {path} "
            f"at {self.callee}: add it to the contract's endpoint under `callers`"
        )


def _callee_runs(reply: Reply) -> bool:
    """Whether a 5xx is about a service behind the callee, or about its load.

    Then other calls may succeed, and a retry would only add to the load.
    """
    return RETRIED_HEADER.lower() in reply.headers or OVERLOADED_HEADER.lower() in reply.headers
