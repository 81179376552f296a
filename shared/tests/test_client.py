"""The HTTP client: headers, retries, circuit breaker, and errors of responses."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from shared.kit.errors import (
    CallFailed,
    Conflict,
    Gone,
    NotFound,
    Overloaded,
    ServiceError,
    TimedOut,
    TooManyRequests,
    Unavailable,
)
from shared.kit.http import context
from shared.kit.http.circuit_breaker import CircuitBreaker
from shared.kit.http.client import CallNotAllowed, ServiceClient
from shared.kit.http.connection_wait import ConnectionWait
from shared.kit.http.problems import install_problems
from shared.kit.http.server_sent_events import ServerSentEvent
from shared.kit.http.transport import (
    ConnectFailed,
    ConnectionBroke,
    Reply,
    Request,
    StreamedReply,
)
from shared.models.auth import TakeTokens, TokenBucket, TokensTaken
from shared.models.base import now
from shared.models.event import Command, Nothing, Recorded
from shared.models.problem import Problem
from shared.models.user import LookUpUser, User
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from shared.testing.waiting import until

USER = User(
    id=uuid4(),
    email="a@example.org",
    role="user",
    status="active",
    version=1,
    created_at=now(),
)
OK = Reply(200, {}, USER.model_dump_json().encode())


def refusal(status: int, code: str, **headers: str) -> Reply:
    problem = Problem(
        type="urn:x",
        title="t",
        status=status,
        detail="d",
        instance="/",
        code=code,
        correlation_id="c",
    )
    return Reply(status, headers, problem.model_dump_json().encode())


class Scripted:
    """A transport with scripted replies, exceptions and delays."""

    def __init__(self, *script: Reply | Exception | float, chunks: tuple[bytes, ...] = ()) -> None:
        self.script = list(script)
        self.chunks = chunks
        self.sent: list[tuple[Request, float]] = []
        self.opened = 0

    async def open(self) -> None:
        self.opened += 1

    async def close(self) -> None:
        self.opened -= 1

    async def send(self, request: Request, timeout: float) -> Reply:
        self.sent.append((request, timeout))
        step = self.script.pop(0)
        if isinstance(step, float):
            async with asyncio.timeout(timeout):
                await asyncio.sleep(step)  # noqa: TID251 - the delay is what is tested
            return OK
        if isinstance(step, Exception):
            raise step
        return step

    @asynccontextmanager
    async def stream(self, request: Request, *, silence: float) -> AsyncIterator[StreamedReply]:
        self.sent.append((request, silence))
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        assert isinstance(step, Reply)
        body = self.chunks or (step.body,)

        async def chunks() -> AsyncIterator[bytes]:
            for chunk in body:
                yield chunk

        yield StreamedReply(step.status, step.headers, chunks())


Make = Callable[..., tuple[ServiceClient, Scripted]]


@pytest.fixture
def make(keys: Identities) -> Make:
    def _make(
        *script: Reply | Exception | float, callee: str = "back-postgres", **rest: tuple[bytes, ...]
    ) -> tuple[ServiceClient, Scripted]:
        transport = Scripted(*script, **rest)
        client = ServiceClient("back-api", callee, transport, keys.signer("back-api"))
        return client, transport

    return _make


async def get(client: ServiceClient) -> User:
    return await client.get(f"/users/{USER.id}", response_model=User)


class TestSends:
    async def test_identity_correlation_trace_and_deadline(self, keys: Identities) -> None:
        transport = Scripted(OK)
        signer = keys.signer("back-api")
        client = ServiceClient("back-api", "back-postgres", transport, signer, timeout=60)
        parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        with context.correlated("a-correlation", parent, deadline=30):
            await get(client)
        [(request, timeout)] = transport.sent
        assert request.headers["X-Correlation-ID"] == "a-correlation"
        trace_id, span_id = request.headers["traceparent"].split("-")[1:3]
        assert trace_id == "0af7651916cd43dd8448eb211c80319c"
        assert span_id != "b7ad6b7169203331"
        assert 10 < timeout <= 30, "the remaining deadline caps the call's own 60 s"
        assert 10_000 <= int(request.headers["X-Deadline-Ms"]) <= 30_000
        assert request.headers["X-Service-Assertion"].count(".") == 2

    async def test_nothing_once_the_deadline_has_passed(self, make: Make) -> None:
        client, transport = make()
        with context.correlated("a-correlation", deadline=-0.1), pytest.raises(TimedOut):
            await get(client)
        assert not transport.sent

    async def test_leaves_out_absent_parameters_and_quotes_paths(self, make: Make) -> None:
        client, transport = make(
            Reply(200, {}, b'{"items": [], "next": null}'), callee="back-cassandra"
        )
        await client.get("/audit/events", params={"limit": 5, "before": None})
        assert transport.sent[0][0].params == {"limit": "5"}

    async def test_opens_and_closes_its_transport(self, make: Make) -> None:
        client, transport = make()
        async with client:
            assert transport.opened == 1
        assert transport.opened == 0


class TestRepeats:
    @pytest.mark.parametrize(
        "fault",
        [ConnectionBroke(), TimeoutError(), refusal(503, "unavailable")],
    )
    async def test_a_read(self, make: Make, fault: Reply | Exception) -> None:
        client, transport = make(fault, fault, OK)
        assert await get(client) == USER
        assert len(transport.sent) == 3

    async def test_at_most_three_times(self, make: Make) -> None:
        client, transport = make(*[ConnectionBroke()] * 5)
        with pytest.raises(Unavailable):
            await get(client)
        assert len(transport.sent) == 3

    async def test_a_command(self, make: Make) -> None:
        recorded = Reply(201, {}, b'{"event_ids": []}')
        client, transport = make(ConnectionBroke(), recorded)
        await client.post(
            "/events", Command(command_id=uuid4(), data=Nothing()), response_model=Recorded
        )
        assert transport.sent[0][0].body == transport.sent[1][0].body

    async def test_a_call_that_says_it_is_idempotent(self, make: Make) -> None:
        client, transport = make(ConnectionBroke(), OK)
        await client.post(
            "/users/lookup", LookUpUser(email="a@b.co"), response_model=User, idempotent=True
        )
        assert len(transport.sent) == 2

    async def test_not_a_write_that_may_have_happened(self, make: Make) -> None:
        client, transport = make(ConnectionBroke(), callee="back-redis")
        take = TakeTokens(buckets=[TokenBucket(limit="l", key="k", capacity=1, window_seconds=1)])
        with pytest.raises(Unavailable):
            await client.post("/limits/take", take, response_model=TokensTaken)
        assert len(transport.sent) == 1

    async def test_one_in_ten_calls_once_the_reserve_is_spent(self, make: Make) -> None:
        client, transport = make(refusal(503, "unavailable"), *[OK] * 9)
        while client._retries.withdraw():
            pass
        with pytest.raises(Unavailable):
            await get(client)
        assert len(transport.sent) == 1
        for _ in range(9):
            await get(client)
        transport.script = [refusal(503, "unavailable"), OK]
        assert await get(client) == USER

    async def test_not_what_the_callee_has_already_repeated(self, make: Make) -> None:
        client, transport = make(refusal(503, "unavailable", **{"x-retried": "true"}), OK)
        with pytest.raises(Unavailable) as raised:
            await get(client)
        assert len(transport.sent) == 1
        assert raised.value.retried

    async def test_not_beyond_the_deadline(self, make: Make) -> None:
        client, _ = make(*[30.0] * 5)
        started = time.monotonic()
        with context.correlated("a-correlation", deadline=0.2), pytest.raises(TimedOut):
            await get(client)
        assert time.monotonic() - started < 25


class TestOverloadedCallee:
    OVERLOADED = refusal(503, "overloaded", **{"x-overloaded": "true", "retry-after": "1"})

    async def test_is_not_asked_again(self, make: Make) -> None:
        client, transport = make(self.OVERLOADED, OK)
        with pytest.raises(Overloaded) as refused:
            await get(client)
        assert len(transport.sent) == 1
        assert (refused.value.code, refused.value.retry_after) == ("overloaded", 1)
        assert refused.value.retried, "nor does a caller of ours ask again"

    async def test_does_not_open_the_breaker(self, make: Make) -> None:
        client, transport = make(*[self.OVERLOADED] * 30, OK)
        for _ in range(30):
            with pytest.raises(Overloaded):
                await get(client)
        assert await get(client) == USER
        assert len(transport.sent) == 31

    async def test_calls_for_a_critical_request_say_so(self, make: Make) -> None:
        client, transport = make(OK, OK)
        with context.priority(critical=True):
            await get(client)
        await get(client)
        given = [request.headers.get("X-Request-Priority") for request, _ in transport.sent]
        assert given == ["critical", None]


class TestRefusedConnections:
    async def test_a_write_waits_until_the_callee_listens(self, make: Make) -> None:
        taken = Reply(200, {}, b'{"allowed": true, "remaining": 0, "retry_after": 0}')
        client, transport = make(*[ConnectFailed()] * 4, taken, callee="back-redis")
        client._patient = ConnectionWait(transport, seconds=30)
        take = TakeTokens(buckets=[TokenBucket(limit="l", key="k", capacity=1, window_seconds=1)])
        assert (await client.post("/limits/take", take, response_model=TokensTaken)).allowed
        assert len(transport.sent) == 5

    async def test_leave_the_breaker_closed(self, make: Make) -> None:
        client, transport = make(*[ConnectFailed()] * 12, OK)
        client._patient = ConnectionWait(transport, seconds=30)
        assert await get(client) == USER
        assert len(transport.sent) == 13

    async def test_end_after_a_while(self) -> None:
        patient = ConnectionWait(Scripted(*[ConnectFailed()] * 20), seconds=0.3)
        with pytest.raises(ConnectFailed):
            await patient.send(Request("GET", "/"), 2)

    async def test_end_with_the_deadline_of_the_edge(self, make: Make) -> None:
        client, transport = make(*[ConnectFailed()] * 999)
        client._patient = ConnectionWait(transport, seconds=50)
        started = time.monotonic()
        with context.correlated("a-correlation", deadline=0.3), pytest.raises(Unavailable):
            await get(client)
        assert time.monotonic() - started < 25

    async def test_let_only_so_many_calls_wait(self) -> None:
        patient = ConnectionWait(Scripted(*[ConnectFailed()] * 999), calls=2, seconds=30)
        waiting = [asyncio.create_task(patient.send(Request("GET", "/"), 2)) for _ in range(2)]
        await until(lambda: patient._waiting == 2)
        with pytest.raises(ConnectFailed):
            await patient.send(Request("GET", "/"), 2)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert patient._waiting == 0


class TestProbes:
    async def test_pass_the_breaker_by_and_are_not_repeated(self, make: Make) -> None:
        client, transport = make(*[ConnectionBroke()] * 20, *[ConnectFailed()] * 20, OK)
        for _ in range(40):
            with pytest.raises(Unavailable):
                await client.probe("/health/ready")
        assert len(transport.sent) == 40
        assert await get(client) == USER

    async def test_see_a_failing_callee_while_the_breaker_is_open(self, make: Make) -> None:
        client, _ = make(*[ConnectionBroke()] * 5, Reply(200, {}, b"{}"))
        for _ in range(2):
            with pytest.raises(Unavailable):
                await get(client)
        await client.probe("/health/ready")

    @pytest.mark.parametrize(
        "step, error", [(TimeoutError(), TimedOut), (refusal(503, "not_ready"), Unavailable)]
    )
    async def test_say_what_is_wrong(
        self, make: Make, step: Reply | Exception, error: type[ServiceError]
    ) -> None:
        client, _ = make(step)
        with pytest.raises(error):
            await client.probe("/health/ready")


class TestReads:
    @pytest.mark.parametrize(
        "reply, meaning, code",
        [
            (refusal(404, "user_not_found"), NotFound, "user_not_found"),
            (refusal(409, "stale_version"), Conflict, "stale_version"),
            (refusal(401, "assertion_refused"), Unavailable, "unavailable"),
            (refusal(403, "scope_missing"), Unavailable, "unavailable"),
            (refusal(422, "validation_failed"), Unavailable, "unavailable"),
            (refusal(418, "teapot"), Unavailable, "unavailable"),
            (Reply(404, {}, b"<html>"), Unavailable, "unavailable"),
            (Reply(200, {}, b'{"id": 1}'), Unavailable, "unavailable"),
        ],
    )
    async def test_problems_as_errors(
        self, make: Make, reply: Reply, meaning: type[ServiceError], code: str
    ) -> None:
        client, _ = make(reply)
        with pytest.raises(meaning) as raised:
            await get(client)
        assert raised.value.code == code

    @pytest.mark.parametrize(
        "reply, status, code",
        [
            (refusal(500, "internal_error"), 500, "internal_error"),
            (refusal(503, "not_ready"), 503, "not_ready"),
            (refusal(401, "assertion_refused"), 401, "assertion_refused"),
            (refusal(422, "validation_failed"), 422, "validation_failed"),
            (Reply(502, {}, b"<html>"), 502, None),
            (Reply(200, {}, b'{"id": 1}'), 200, None),
        ],
    )
    async def test_what_is_not_passed_on_names_the_answer_of_the_callee(
        self, make: Make, reply: Reply, status: int, code: str | None
    ) -> None:
        client, _ = make(*[reply] * 3)
        with pytest.raises(CallFailed) as raised:
            await get(client)
        assert (raised.value.callee_status, raised.value.callee_code) == (status, code)
        assert (raised.value.status, raised.value.code) == (503, "unavailable")

    async def test_how_long_to_wait(self, make: Make) -> None:
        client, _ = make(refusal(429, "too_many_requests", **{"retry-after": "7"}))
        with pytest.raises(TooManyRequests) as raised:
            await get(client)
        assert raised.value.retry_after == 7

    async def test_a_timeout_of_the_callee_as_one_of_ours(self, make: Make) -> None:
        client, _ = make(*[refusal(504, "timed_out")] * 3)
        with pytest.raises(TimedOut):
            await get(client)


class TestBreaks:
    async def test_stops_calling_what_keeps_failing(self, make: Make) -> None:
        client, transport = make(*[ConnectionBroke()] * 6)
        for _ in range(2):
            with pytest.raises(Unavailable):
                await get(client)
        with pytest.raises(Unavailable) as raised:
            await get(client)
        assert len(transport.sent) == CircuitBreaker.IN_A_ROW
        assert raised.value.retry_after is not None

    async def test_does_not_count_a_500_which_is_the_answer_of_a_callee_that_runs(
        self, make: Make
    ) -> None:
        client, transport = make(*[refusal(500, "internal_error")] * 40, OK)
        for _ in range(10):
            with pytest.raises(CallFailed):
                await get(client)
        transport.script = [OK]
        assert await get(client) == USER

    @pytest.mark.parametrize("status", [503, 504])
    async def test_does_not_count_what_the_callee_could_not_get_from_another_service(
        self, make: Make, status: int
    ) -> None:
        passed_on = refusal(status, "unavailable", **{"x-retried": "true"})
        client, transport = make(*[passed_on] * 40)
        for _ in range(40):
            with pytest.raises((CallFailed, TimedOut)):
                await get(client)
        transport.script = [OK]
        assert await get(client) == USER

    async def test_is_shown_while_it_refuses(self, make: Make) -> None:
        client, transport = make(*[ConnectionBroke()] * 6)
        client.check_breaker()
        for _ in range(2):
            with pytest.raises(Unavailable):
                await get(client)
        with pytest.raises(Unavailable):
            client.check_breaker()
        assert len(transport.sent) == CircuitBreaker.IN_A_ROW

    async def test_long_polls_pass_it_by(self, make: Make) -> None:
        client, transport = make(*[ConnectionBroke()] * 6, OK)
        for _ in range(2):
            with pytest.raises(Unavailable):
                await get(client)
        assert await client.get(f"/users/{USER.id}", response_model=User, timeout=30) == USER
        assert transport.sent[-1][1] == pytest.approx(30, abs=1)

    async def test_a_cancelled_call_says_nothing_of_the_callee(self, make: Make) -> None:
        client, transport = make(30.0, OK)
        task = asyncio.create_task(get(client))
        while not transport.sent:  # noqa: ASYNC110  (the script has no event to wait on)
            await asyncio.sleep(0)  # noqa: TID251 - lets the other task run
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await get(client) == USER


class TestAllows:
    async def test_only_what_a_contract_lists(self, make: Make) -> None:
        client, transport = make()
        with pytest.raises(
            CallNotAllowed, match=r"no contract .* allows back-api to call GET /secrets"
        ):
            await client.get("/secrets")
        with pytest.raises(CallNotAllowed):
            await client.post("/credentials", LookUpUser(email="a@b.co"))
        assert not transport.sent


class TestEvents:
    async def test_come_as_they_were_sent(self, make: Make) -> None:
        chunks = (b"id: 1-0\nevent: en", b"try\ndata: {}\n\n: comment\n\nevent: heart")
        client, transport = make(
            Reply(200, {}, b""), callee="back-redis", chunks=(*chunks, b"beat\ndata: {}\n\n")
        )
        async with aclosing(client.events("/streams/revocations", since="0-1")) as events:
            assert await anext(events) == ServerSentEvent("entry", "{}", "1-0")
            assert await anext(events) == ServerSentEvent("heartbeat", "{}")
            with pytest.raises(Unavailable):
                await anext(events)
        assert transport.sent[0][0].params == {"since": "0-1"}

    @pytest.mark.parametrize(
        "step, meaning",
        [
            (ConnectFailed(), Unavailable),
            (refusal(404, "stream_not_found"), NotFound),
            (refusal(503, "unavailable"), Unavailable),
        ],
    )
    async def test_refused(
        self, make: Make, step: Reply | Exception, meaning: type[ServiceError]
    ) -> None:
        client, _ = make(step, callee="back-redis")
        async with aclosing(client.events("/streams/revocations")) as events:
            with pytest.raises(meaning):
                await anext(events)


class TestStreams:
    async def test_a_body_comes_in_chunks(self, keys: Identities) -> None:
        api = FastAPI()

        @api.get("/exports/download")
        async def download(token: str) -> StreamingResponse:
            async def chunks() -> AsyncIterator[bytes]:
                yield token.encode()
                yield b"rest"

            return StreamingResponse(chunks(), media_type="text/csv")

        client = keys.client("back-api", "back-workers", AsgiTransport(api))
        async with client.stream("/exports/download", params={"token": "a b"}) as reply:
            assert reply.headers["content-type"] == "text/csv; charset=utf-8"
            assert [chunk async for chunk in reply.chunks if chunk] == [b"a b", b"rest"]

    async def test_a_refusal_is_the_error_of_its_problem(self, keys: Identities) -> None:
        api = FastAPI()
        install_problems(api)

        @api.get("/exports/download")
        async def download(token: str) -> None:
            raise Gone(code="link_expired")

        client = keys.client("back-api", "back-workers", AsgiTransport(api))
        with pytest.raises(Gone) as raised:
            async with client.stream("/exports/download", params={"token": "t"}):
                raise AssertionError("it was opened")
        assert raised.value.code == "link_expired"

    async def test_one_that_breaks_off_is_unavailable(self, keys: Identities) -> None:
        api = FastAPI()

        @api.get("/exports/download")
        async def download(token: str) -> StreamingResponse:
            async def chunks() -> AsyncIterator[bytes]:
                yield b"begun"
                raise OSError

            return StreamingResponse(chunks())

        client = keys.client("back-api", "back-workers", AsgiTransport(api))
        with pytest.raises(Unavailable):
            async with client.stream("/exports/download", params={"token": "t"}) as reply:
                assert [chunk async for chunk in reply.chunks]
