"""Health endpoints and problem details of every service."""

import os

import httpx
import pytest

from shared.models.health import Health
from shared.models.problem import Problem
from tests.stack import TLS

OFFSET = int(os.environ.get("DEV_PORT_OFFSET", "0"))
SERVICES = {
    "back-api": 8100,
    "back-auth": 8101,
    "back-websockets": 8102,
    "back-postgres": 8103,
    "back-cassandra": 8104,
    "back-redis": 8106,
    "back-workers": 8107,
}
LOCAL = pytest.mark.skipif(
    "DEV_STACK" not in os.environ, reason="only a local stack shows its services' ports"
)


@LOCAL
@pytest.mark.parametrize("service", SERVICES)
class TestEveryService:
    async def test_answers_its_health_endpoints(self, service: str) -> None:
        reply = await ask(service, "/health")
        assert reply.status_code == 200
        assert Health.model_validate(reply.json()).service == service

    async def test_refuses_with_a_problem(self, service: str) -> None:
        reply = await ask(service, "/nothing-is-here")
        assert reply.headers["content-type"] == "application/problem+json"
        problem = Problem.model_validate(reply.json())
        assert (reply.status_code, problem.status, problem.code) == (404, 404, "not_found")
        assert problem.correlation_id == reply.headers["x-correlation-id"]


async def ask(service: str, path: str) -> httpx.Response:
    url = f"http://127.0.0.1:{SERVICES[service] + OFFSET}{path}"
    async with httpx.AsyncClient(timeout=60, verify=TLS) as http:
        return await http.get(url)
