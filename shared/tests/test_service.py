"""A service built from its settings: context, errors, limits, health and lifetime."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Annotated

import pytest
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from structlog.testing import capture_logs

from shared.kit import Service, ServiceSettings
from shared.kit.auth.guards import CallingService, calls_with_scope
from shared.kit.errors import Conflict, TimedOut, TooManyRequests, Unavailable
from shared.kit.http import context
from shared.kit.http.circuit_breaker import CircuitBreaker
from shared.kit.http.transport import ConnectionBroke, Reply, Request, StreamedReply
from shared.kit.runtime.service import _run_with_restarts
from shared.models.base import PublicRequest, Text
from shared.testing.asgi_client import AsgiClient, running
from shared.testing.identities import Identities
from shared.testing.waiting import until

DEADLINE = 3.0  # seconds: enough to begin an answer on a busy machine


class Note(PublicRequest):
    text: Text
    count: int = 0


class Seen(BaseModel):
    correlation_id: str
    remaining: float | None


class ReadyButBroken:
    """A transport to a service that is ready, and ends the connection of every call."""

    asked = ""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def send(self, request: Request, timeout: float) -> Reply:
        self.asked = request.path
        if request.path != "/health/ready":
            raise ConnectionBroke
        return Reply(200, {}, b"{}")

    def stream(
        self, request: Request, *, silence: float
    ) -> AbstractAsyncContextManager[StreamedReply]:
        raise NotImplementedError


def routes() -> APIRouter:  # noqa: C901  (a list of routes, each of one line)
    router = APIRouter()

    @router.get("/seen")
    async def seen() -> Seen:
        return Seen(correlation_id=context.correlation_id(), remaining=context.remaining())

    @router.post("/notes", status_code=201)
    async def note(body: Note) -> Note:
        return body

    @router.get("/numbers")
    async def number(n: Annotated[int, Query(ge=1)]) -> int:
        return n

    @router.get("/conflict")
    async def conflict() -> None:
        raise Conflict("Somebody was faster.", code="stale_version")

    @router.get("/busy")
    async def busy() -> None:
        raise TooManyRequests(retry_after=1.2)

    @router.get("/crash")
    async def crash() -> None:
        secret = "a-password"
        raise ValueError(secret)

    @router.get("/timeout-of-its-own")
    async def own_timeout() -> None:
        raise TimeoutError

    @router.get("/slow")
    async def slow() -> None:
        await asyncio.sleep(30)  # noqa: TID251 - hangs

    @router.get("/slow-callee")
    async def slow_callee() -> None:
        try:
            await asyncio.sleep(30)  # noqa: TID251 - hangs
        except asyncio.CancelledError as error:
            raise TimedOut from error  # as a call does whose own time ends in the same moment

    @router.get("/stream")
    async def stream() -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            yield b"a"
            await asyncio.sleep(DEADLINE)  # noqa: TID251 - the delay is what is tested
            yield b"b"

        return StreamingResponse(body())

    @router.get("/guarded", dependencies=[calls_with_scope("users:write")])
    async def guarded(caller: CallingService) -> str:
        return caller

    return router


@pytest.fixture
def service(settings: ServiceSettings, request: pytest.FixtureRequest) -> Service:
    service = Service(settings)
    service.api.include_router(routes())
    return service


@pytest.fixture
async def client(service: Service) -> AsyncIterator[AsgiClient]:
    async with running(service.api) as found:
        yield found


class TestCorrelation:
    async def test_is_kept(self, client: AsgiClient) -> None:
        reply = await client.get("/seen", headers={"X-Correlation-ID": "abc-DEF_1.2"})
        assert reply.json()["correlation_id"] == "abc-DEF_1.2"
        assert reply.headers["x-correlation-id"] == "abc-DEF_1.2"

    @pytest.mark.parametrize(
        "given", ["short", "a" * 65, "with space", "new\nline", "ümlaut-ümlaut"]
    )
    async def test_is_made_anew_where_it_is_malformed(self, client: AsgiClient, given: str) -> None:
        reply = await client.get("/seen", headers={"X-Correlation-ID": given})
        made = reply.headers["x-correlation-id"]
        assert made == reply.json()["correlation_id"]
        assert made != given
        assert len(made) == 36


class TestDeadline:
    async def test_is_ten_seconds_unless_the_caller_says_less(self, client: AsgiClient) -> None:
        usual = (await client.get("/seen")).json()["remaining"]
        given = (await client.get("/seen", headers={"X-Deadline-Ms": "5000"})).json()["remaining"]
        assert isinstance(usual, float)
        assert isinstance(given, float)
        assert 5 < usual <= 10
        assert 0 < given <= 5

    @pytest.mark.parametrize("given", ["", "x", "-5", "1e3", "٣"])
    async def test_garbage_is_passed_over(self, client: AsgiClient, given: str) -> None:
        remaining = (await client.get("/seen", headers={"X-Deadline-Ms": given})).json()[
            "remaining"
        ]
        assert isinstance(remaining, float)
        assert remaining > 5

    @pytest.mark.parametrize("path", ["/slow", "/slow-callee"])
    async def test_ends_a_slow_request(self, client: AsgiClient, path: str) -> None:
        started = time.monotonic()
        reply = await client.get(path, headers={"X-Deadline-Ms": "50"})
        assert reply.status == 504
        assert reply.json()["code"] == "timed_out"
        assert time.monotonic() - started < 25

    async def test_does_not_end_a_body_that_has_begun(self, client: AsgiClient) -> None:
        reply = await client.get("/stream", headers={"X-Deadline-Ms": str(int(DEADLINE * 1000))})
        assert reply.body == b"ab"


class TestProblems:
    async def test_have_one_shape(self, client: AsgiClient) -> None:
        reply = await client.get("/conflict", headers={"X-Correlation-ID": "a-correlation"})
        assert reply.status == 409
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.json() == {
            "type": "urn:tools-dashboard:problem:stale_version",
            "title": "Conflict",
            "status": 409,
            "detail": "Somebody was faster.",
            "instance": "/conflict",
            "code": "stale_version",
            "correlation_id": "a-correlation",
        }

    async def test_say_how_long_to_wait_in_whole_seconds(self, client: AsgiClient) -> None:
        assert (await client.get("/busy")).headers["retry-after"] == "2"

    async def test_of_a_crash_tell_nothing(self, client: AsgiClient) -> None:
        with capture_logs() as logs:
            reply = await client.get("/crash")
        assert reply.status == 500
        assert "a-password" not in reply.text
        assert "request_crashed" in [entry["event"] for entry in logs]

    @pytest.mark.parametrize(
        "path, logged",
        [
            (f"/download/{'t0ken-_' * 6}", "/download/***"),
            ("/users/018f6c1e-8a3e-7c43-9d3b-1f0f4a4f7d11", None),
        ],
    )
    async def test_logs_no_token_of_a_path(
        self, client: AsgiClient, path: str, logged: str | None
    ) -> None:
        with capture_logs() as logs:
            await client.get(path)
        [line] = [entry for entry in logs if entry["event"] == "request"]
        assert line["path"] == (logged or path)

    async def test_a_timeout_that_is_not_the_deadline_is_a_crash(self, client: AsgiClient) -> None:
        assert (await client.get("/timeout-of-its-own")).status == 500

    @pytest.mark.parametrize(
        "content, kind, status, code",
        [
            (b"{", "application/json", 400, "malformed_json"),
            (b"\xff\xfe", "application/json", 400, "malformed_json"),
            (b"[" * 100_000, "application/json", 400, "malformed_json"),
            (b"[]", "application/json", 422, "validation_failed"),
            (b"null", "application/json", 422, "validation_failed"),
            (b"", "application/json", 422, "validation_failed"),
            (b"text=a", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
            (b'{"text": "a\\u0000"}', "application/json", 422, "validation_failed"),
            (b'{"text": "\\ud800"}', "application/json", 422, "validation_failed"),
            (b'{"text": "a", "\\ud800": 1}', "application/json", 422, "validation_failed"),
            (b'{"text": "a", "count": 1e400}', "application/json", 422, "validation_failed"),
            (b'{"text": "a", "count": NaN}', "application/json", 422, "validation_failed"),
            (b'{"text": ' + b"9" * 5000 + b"}", "application/json", 400, "malformed_json"),
        ],
    )
    async def test_of_bad_bodies_are_precise(
        self, client: AsgiClient, content: bytes, kind: str, status: int, code: str
    ) -> None:
        reply = await client.post("/notes", content=content, headers={"Content-Type": kind})
        assert (reply.status, reply.json()["code"]) == (status, code)

    async def test_point_at_the_place(self, client: AsgiClient) -> None:
        reply = await client.post("/notes", json={"text": 5, "a/b~c": 1})
        errors = reply.json()["errors"]
        assert isinstance(errors, list)
        assert sorted(str(e["pointer"]) for e in errors if isinstance(e, dict)) == [
            "/a~1b~0c",
            "/text",
        ]
        query = (await client.get("/numbers", params={"n": "0"})).json()["errors"]
        assert isinstance(query, list)
        assert isinstance(query[0], dict)
        assert query[0]["pointer"] == "/query/n"

    async def test_never_quote_the_input(self, client: AsgiClient) -> None:
        reply = await client.post("/notes", json={"text": ["hunter2"]})
        assert reply.status == 422
        assert "hunter2" not in reply.text

    async def test_of_size(self, client: AsgiClient) -> None:
        large = b"x" * 2_000_000
        declared = await client.post("/notes", content=large)
        assert declared.status == 413
        undeclared = await client.post("/notes", content=large, headers={"Content-Length": "5"})
        assert undeclared.status == 413

    async def test_of_what_is_not_there(self, client: AsgiClient) -> None:
        assert (await client.get("/nowhere")).json()["code"] == "not_found"
        wrong = await client.put("/conflict", json={})
        assert (wrong.status, wrong.json()["code"]) == (405, "method_not_allowed")
        assert wrong.headers["allow"] == "GET"


class TestGuards:
    async def test_let_in_who_a_contract_lists(self, client: AsgiClient, keys: Identities) -> None:
        allowed = keys.assertion(caller="back-api", to="back-postgres")
        assert (await client.get("/guarded", headers=allowed)).text == '"back-api"'
        other = keys.assertion(caller="back-redis", to="back-postgres")
        assert (await client.get("/guarded", headers=other)).json()["code"] == "scope_missing"
        nobody = await client.get("/guarded")
        assert (nobody.status, nobody.json()["code"]) == (401, "assertion_missing")


class TestHealth:
    async def test_of_a_service_without_needs(self, client: AsgiClient) -> None:
        assert (await client.get("/health/live")).json() == {
            "status": "ok",
            "service": "back-postgres",
        }
        assert (await client.get("/health/ready")).status == 200

    async def test_names_what_is_missing(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.kit.runtime.health._ANSWER_KEPT_SECONDS", 60)

        async def down() -> None:
            raise Unavailable("No route.")

        async def stuck() -> None:
            await asyncio.sleep(30)  # noqa: TID251 - hangs

        async def broken() -> None:
            raise OSError("a-password")

        service.ready("engine", down)
        service.ready("queue", stuck)
        service.ready("disk", broken)
        async with running(service.api) as client:
            ready = await client.get("/health/ready")
            assert ready.status == 503
            assert ready.json()["detail"] == "Not ready: engine, queue, disk."
            health = (await client.get("/health")).json()
            again = (await client.get("/health")).json()
        assert health["status"] == "down"
        assert again["uptime_seconds"] == health["uptime_seconds"], "an answer stands for a while"
        details = [d["detail"] for d in health["dependencies"] if isinstance(d, dict)]  # type: ignore[union-attr]
        assert details == ["No route.", "did not answer in time", "OSError"]

    async def test_a_called_service_that_is_down_only_degrades(
        self, service: Service, unused_tcp_port: int
    ) -> None:
        service.client("back-redis", f"http://127.0.0.1:{unused_tcp_port}")
        async with running(service.api) as client:
            assert (await client.get("/health/ready")).status == 200
            assert (await client.get("/health")).json()["status"] == "degraded"

    async def test_a_called_service_degrades_while_calls_to_it_are_refused(
        self, settings: ServiceSettings
    ) -> None:
        callee = ReadyButBroken()
        caller = settings.model_copy(update={"service": "back-api"})
        service = Service(caller, connect=lambda _: callee)
        called = service.client("back-postgres", "")
        async with running(service.api) as client:
            for _ in range(CircuitBreaker.IN_A_ROW):
                with pytest.raises(Unavailable):
                    await called.post("/users/lookup")
            health = (await client.get("/health")).json()
        assert health["status"] == "degraded"
        assert callee.asked == "/health/ready"

    async def test_names_versions_of_contracts(self, client: AsgiClient) -> None:
        health = (await client.get("/health")).json()
        contracts = health["contracts"]
        assert isinstance(contracts, dict)
        assert contracts["profile"]
        assert health["contracts_digest"]


class TestLifetime:
    async def test_background_work_is_restarted_after_a_crash(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.kit.runtime.service._RESTART_FIRST", 0.001)
        runs = 0
        done = asyncio.Event()

        async def work() -> None:
            nonlocal runs
            runs += 1
            if runs < 3:
                raise ValueError("crashed")
            done.set()

        service.background(work)
        async with running(service.api):
            async with asyncio.timeout(20):
                await done.wait()
        assert runs == 3

    async def test_background_work_that_ran_well_starts_again_at_once(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pauses: list[float] = []

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)

        monkeypatch.setattr("shared.kit.runtime.service.asyncio.sleep", sleep)
        seconds_of_runs = iter([0.0, 0.0, 60.0, 0.0])
        clock = 0.0
        monkeypatch.setattr("shared.kit.runtime.service.time.monotonic", lambda: clock)

        async def work() -> None:
            nonlocal clock
            ran = next(seconds_of_runs, None)
            if ran is None:
                return
            clock += ran
            raise ValueError("crashed")

        await _run_with_restarts(work)

        assert pauses == [0.5, 1.0, 0.5, 1.0]

    async def test_background_work_ends_with_the_app(self, service: Service) -> None:
        ended = False

        async def work() -> None:
            nonlocal ended
            try:
                await asyncio.sleep(30)  # noqa: TID251 - hangs
            finally:
                ended = True

        service.background(work)
        async with running(service.api) as client:
            await client.get("/seen")
        assert ended
        assert service.stopping.is_set()

    async def test_a_signal_drains_the_service_before_the_server_hears_of_it(
        self, service: Service
    ) -> None:
        order: list[str] = []
        drained = asyncio.Event()

        async def drain() -> None:
            order.append(f"drains, stopping: {service.stopping.is_set()}")
            await drained.wait()
            order.append("drained")

        service.drain(drain)
        before = signal.signal(signal.SIGTERM, lambda *_: order.append("the server"))
        try:
            async with running(service.api):
                os.kill(os.getpid(), signal.SIGTERM)
                await until(lambda: order)
                drained.set()
                await until(lambda: "the server" in order)
        finally:
            signal.signal(signal.SIGTERM, before)
        assert order == ["drains, stopping: True", "drained", "the server"]

    async def test_a_drain_is_cut_short(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.kit.runtime.service.DRAIN_SECONDS", 0.05)
        told: list[int] = []

        async def drain() -> None:
            await asyncio.Event().wait()

        service.drain(drain)
        before = signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
        try:
            async with running(service.api):
                os.kill(os.getpid(), signal.SIGTERM)
                await until(lambda: told)
        finally:
            signal.signal(signal.SIGTERM, before)
        assert told == [signal.SIGTERM]
