import json
from uuid import uuid4

import pytest

from shared.kit.tables import Endpoint, tables
from tests.callers import Callers

OURS = [endpoint for endpoint in tables().endpoints if endpoint.service == "back-postgres"]
SERVICES = ["back-api", "back-auth", "back-workers", "back-redis"]


def filled(path: str) -> str:
    return path.replace("{user_id}", str(uuid4())).replace("{delivery_id}", str(uuid4()))


def named(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def test_there_are_endpoints_to_test() -> None:
    assert len(OURS) >= 20


@pytest.mark.parametrize("endpoint", OURS, ids=named)
class TestEveryEndpoint:
    async def test_refuses_a_caller_without_identity(
        self, service: Callers, endpoint: Endpoint
    ) -> None:
        reply = await service.client.request(endpoint.method, filled(endpoint.path), json={})

        assert reply.status == 401
        assert reply.headers["content-type"] == "application/problem+json"

    async def test_refuses_a_caller_that_no_contract_names(
        self, service: Callers, endpoint: Endpoint
    ) -> None:
        strangers = set(SERVICES) - tables().callers_of("back-postgres", endpoint.scope or "")
        assert strangers
        for stranger in strangers:
            reply = await service.call(stranger, endpoint.method, filled(endpoint.path), {})

            assert (reply.status, reply.json()["code"]) == (403, "scope_missing")

    async def test_lets_in_the_callers_of_the_contract(
        self, service: Callers, endpoint: Endpoint
    ) -> None:
        for caller in endpoint.callers:
            reply = await service.call(caller, endpoint.method, filled(endpoint.path), {})

            assert reply.status in {200, 404, 422}


async def test_nothing_else_answers(service: Callers) -> None:
    document = json.loads((await service.client.get("/openapi.json")).body)
    found = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        if not path.startswith("/health")
        for method in operations
    }

    assert found == {(endpoint.method, endpoint.path) for endpoint in OURS}
