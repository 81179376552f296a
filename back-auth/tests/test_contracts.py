"""The app serves what the contracts name for back-auth, and nothing else."""

from shared.kit.contract_registry import contract_registry
from tests.conftest import Stack


async def test_serves_the_contracts_endpoints_and_no_other(stack: Stack) -> None:
    document = (await stack.client.get("/openapi.json")).json()
    paths = document["paths"]
    assert isinstance(paths, dict)
    served = {
        (method.upper(), path)
        for path, operations in paths.items()
        if not path.startswith("/health") and isinstance(operations, dict)
        for method in operations
    }
    agreed = {
        (endpoint.method, endpoint.path)
        for endpoint in contract_registry().endpoints
        if endpoint.service == "back-auth"
    }
    assert served == agreed
