"""The service `shared`, which serves the contracts."""

from shared.contract_server import app
from shared.testing.asgi_client import running


async def test_it_lists_the_contracts_and_serves_each_as_it_is_written() -> None:
    async with running(app()) as client:
        index = (await client.get("/contracts")).json()
        text = (await client.get("/contracts/profile")).text
    assert "profile" in index["contracts"]  # type: ignore[operator]
    assert text.startswith("name: profile\n")


async def test_an_unknown_contract_is_not_found() -> None:
    async with running(app()) as client:
        unknown = await client.get("/contracts/nothing")
    assert (unknown.status, unknown.json()["code"]) == (404, "contract_not_found")


async def test_it_is_ready_without_any_secret() -> None:
    async with running(app()) as client:
        assert (await client.get("/health/ready")).status == 200
