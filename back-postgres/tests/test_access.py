import json
from uuid import uuid4

from shared.kit.contract_registry import Endpoint, contract_registry
from tests.callers import Callers

OURS = [
    endpoint for endpoint in contract_registry().endpoints if endpoint.service == "back-postgres"
]
SERVICES = {"back-api", "back-auth", "back-workers", "back-redis"}


def filled(path: str) -> str:
    return path.replace("{user_id}", str(uuid4())).replace("{delivery_id}", str(uuid4()))


def named(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def test_there_are_endpoints_to_test() -> None:
    assert len(OURS) >= 20


class TestEveryEndpoint:
    async def test_refuses_a_caller_without_identity(self, service: Callers) -> None:
        replies = {
            named(endpoint): await service.client.request(
                endpoint.method, filled(endpoint.path), json={}
            )
            for endpoint in OURS
        }

        assert {name for name, reply in replies.items() if reply.status != 401} == set()
        types = {reply.headers["content-type"] for reply in replies.values()}
        assert types == {"application/problem+json"}

    async def test_refuses_a_caller_that_no_contract_names(self, service: Callers) -> None:
        for endpoint in OURS:
            strangers = SERVICES - contract_registry().callers_of(
                "back-postgres", endpoint.scope or ""
            )
            assert strangers
            for stranger in strangers:
                reply = await service.call(stranger, endpoint.method, filled(endpoint.path), {})

                assert reply.status == 403, f"{stranger} {named(endpoint)}"
                assert reply.json()["code"] == "scope_missing"

    async def test_lets_in_the_callers_of_the_contract(self, service: Callers) -> None:
        for endpoint in OURS:
            for caller in endpoint.callers:
                reply = await service.call(caller, endpoint.method, filled(endpoint.path), {})

                assert reply.status in {200, 404, 422}, f"{caller} {named(endpoint)}"


async def test_nothing_else_answers(service: Callers) -> None:
    document = json.loads((await service.client.get("/openapi.json")).body)
    found = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        if not path.startswith("/health")
        for method in operations
    }

    assert found == {(endpoint.method, endpoint.path) for endpoint in OURS}
