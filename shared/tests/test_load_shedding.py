"""A service refuses what it can't hold, before any other work; critical requests pass."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import APIRouter

from shared.kit import Service, ServiceSettings
from shared.kit.contract_registry import RequestClasses
from shared.kit.http import context
from shared.models.problem import Problem
from shared.testing.asgi_client import AsgiClient, AsgiReply, running
from shared.testing.identities import Identities

SESSION = "/sessions/1/revoke"


class Gate:
    """Requests wait in the service until it opens."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.inside = 0
        self.arrived = asyncio.Event()
        self.priorities: list[bool] = []

    async def pass_through(self) -> None:
        self.inside += 1
        self.priorities.append(context.is_critical())
        self.arrived.set()
        await self.opened.wait()

    async def holds(self, count: int) -> None:
        async with asyncio.timeout(20):
            while self.inside < count:
                self.arrived.clear()
                await self.arrived.wait()


def routes(gate: Gate) -> APIRouter:
    router = APIRouter()

    @router.get("/users/{user_id}")
    async def read(user_id: str) -> str:
        await gate.pass_through()
        return user_id

    @router.post("/sessions/{sid}/revoke")
    async def revoke(sid: str) -> str:
        await gate.pass_through()
        return sid

    @router.get("/streams/{name}")
    async def stream(name: str) -> str:
        await gate.pass_through()
        return name

    return router


class Narrow(ServiceSettings):
    """back-redis with room for one critical request beside the others."""

    service: str = "back-redis"
    port: int = 8106
    requests_reserved: int = 1


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def service(keys: Identities, monkeypatch: pytest.MonkeyPatch, gate: Gate) -> Service:
    for name, value in keys.env("back-redis").items():
        monkeypatch.setenv(name, value)
    service = Service(Narrow(requests_min=2, requests_max=2))
    service.api.include_router(routes(gate))
    return service


@pytest.fixture
async def client(service: Service) -> AsyncIterator[AsgiClient]:
    async with running(service.api) as found:
        yield found


@asynccontextmanager
async def full(client: AsgiClient, gate: Gate) -> AsyncIterator[list[asyncio.Task[AsgiReply]]]:
    """The block runs while two requests are in the service; they are answered at its end."""
    before = gate.inside
    tasks = [asyncio.create_task(client.get(f"/users/{number}")) for number in range(2)]
    await gate.holds(before + 2)
    yield tasks
    gate.opened.set()
    assert [(await task).status for task in tasks] == [200, 200]


class TestRefusal:
    async def test_is_a_complete_problem(self, client: AsgiClient, gate: Gate) -> None:
        async with full(client, gate):
            reply = await client.get('/users/"é', headers={"X-Correlation-ID": "abc-DEF_1.2"})
        assert reply.status == 503
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.headers["retry-after"] == "1"
        assert reply.headers["x-correlation-id"] == "abc-DEF_1.2"
        problem = Problem.model_validate_json(reply.body)
        assert problem.code == "overloaded"
        assert problem.instance == '/users/"é'
        assert problem.correlation_id == "abc-DEF_1.2"
        assert problem.status == 503

    async def test_malformed_correlation_ids_are_replaced(
        self, client: AsgiClient, gate: Gate
    ) -> None:
        async with full(client, gate):
            reply = await client.get("/users/3", headers={"X-Correlation-ID": '"}'})
        assert Problem.model_validate_json(reply.body).correlation_id != '"}'

    async def test_ends_with_the_requests_before(self, client: AsgiClient, gate: Gate) -> None:
        async with full(client, gate):
            assert (await client.get("/users/3")).status == 503
        assert (await client.get("/users/3")).status == 200

    async def test_leaves_health_alone(self, client: AsgiClient, gate: Gate) -> None:
        async with full(client, gate):
            for path in ("/health/live", "/health/ready", "/health"):
                assert (await client.get(path)).status == 200

    async def test_a_stream_is_neither_refused_nor_counted(
        self, client: AsgiClient, gate: Gate
    ) -> None:
        streams = [asyncio.create_task(client.get("/streams/live")) for _ in range(5)]
        await gate.holds(5)
        async with full(client, gate):
            assert (await client.get("/users/3")).status == 503
        assert {(await it).status for it in streams} == {200}


class TestCritical:
    async def test_requests_of_the_contracts_use_the_reserved_share(
        self, client: AsgiClient, gate: Gate
    ) -> None:
        async with full(client, gate):
            passed = asyncio.create_task(client.post(SESSION))
            await gate.holds(3)
            assert (await client.post(SESSION)).status == 503
        assert (await passed).status == 200

    async def test_calls_made_for_one_pass_too(
        self, client: AsgiClient, gate: Gate, keys: Identities
    ) -> None:
        headers = {
            "X-Request-Priority": "critical",
            "X-Service-Assertion": keys.signer("back-auth").assertion_for("back-redis"),
        }
        async with full(client, gate):
            passed = asyncio.create_task(client.get("/users/3", headers=headers))
            await gate.holds(3)
        assert (await passed).status == 200
        assert gate.priorities == [False, False, True]

    @pytest.mark.parametrize("assertion", [None, "forged"])
    async def test_only_services_may_say_so(
        self, client: AsgiClient, gate: Gate, assertion: str | None
    ) -> None:
        headers = {"X-Request-Priority": "critical"}
        if assertion:
            headers["X-Service-Assertion"] = assertion
        async with full(client, gate):
            assert (await client.get("/users/3", headers=headers)).status == 503


class TestClasses:
    @pytest.mark.parametrize(
        "service, request_line",
        [
            ("back-auth", "POST /auth/logout"),
            ("back-auth", "POST /auth/refresh"),
            ("back-auth", "GET /.well-known/jwks.json"),
            ("back-auth", "GET /internal/sessions/a-b"),
            ("back-redis", "POST /sessions/a-b/revoke"),
            ("back-redis", "POST /revocations"),
        ],
    )
    def test_contracts_name_what_is_critical(self, service: str, request_line: str) -> None:
        assert RequestClasses.of(service).is_critical(*request_line.split())

    @pytest.mark.parametrize(
        "request_line", ["GET /auth/logout", "POST /auth/logout/x", "POST /auth/login"]
    )
    def test_nothing_else_is(self, request_line: str) -> None:
        assert not RequestClasses.of("back-auth").is_critical(*request_line.split())

    def test_a_dot_in_a_path_is_a_dot(self) -> None:
        assert not RequestClasses.of("back-auth").is_critical("GET", "/-well-known/jwks-json")

    def test_contracts_name_what_is_held_open(self) -> None:
        assert RequestClasses.of("back-postgres").is_held_open("POST", "/deliveries/claim")
        assert RequestClasses.of("back-redis").is_held_open("GET", "/streams/live")
        assert not RequestClasses.of("back-api").is_held_open("GET", "/api/profile")
