"""The service `shared`, which serves the contracts."""

import re

import pytest

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


async def test_the_documentation_is_one_page_whose_files_it_serves_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ENVIRONMENT", "development")
    async with running(app()) as client:
        page = await client.get("/docs")
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        files = {path: await client.get(path) for path in loaded}
        document = await client.get("/docs/openapi.json")
        unknown = await client.get("/docs/secrets.json")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "/docs/swagger-ui-bundle.js" in files
    assert {path for path in files if not path.startswith("/docs/")} == set()
    assert {path: it.status for path, it in files.items()} == dict.fromkeys(files, 200)
    assert "/auth/login" in document.json()["paths"]  # type: ignore[operator]
    assert unknown.json()["code"] == "file_not_found"


@pytest.mark.parametrize("path", ["/docs", "/docs/openapi.json"])
async def test_there_is_no_documentation_outside_of_development(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    async with running(app()) as client:
        assert (await client.get(path)).status == 404
