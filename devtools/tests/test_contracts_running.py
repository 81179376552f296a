"""Real apps and running stacks held to the contracts, and the graph of them all."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from devtools.contracts import check, graph, running_stack, stub_routes
from devtools.tests.contract_tree import Copy
from devtools.workspace import environments
from devtools.workspace.errors import DevError
from devtools.workspace.repository import ROOT

PROFILE = "shared/contracts/profile/feature.yaml"


@contextmanager
def served(api: FastAPI) -> Iterator[str]:
    """The address of `api`, served from a thread."""
    server = uvicorn.Server(uvicorn.Config(api, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while not server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)  # noqa: TID251 - polls until a deadline
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


class TestRealApps:
    @pytest.fixture(autouse=True)
    def own_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def sync(_: str) -> Path:
            return Path(sys.prefix)

        monkeypatch.setattr(environments, "sync", sync)

    @staticmethod
    async def differences(copy: Copy) -> str:
        tree = copy.tree()
        tree.__dict__["services"] = {"back-api": "1.0.0"}
        return "\n".join(map(str, await check.of_services(tree)))

    API = "back-api/features/profile/api.py"

    async def test_routes_that_differ(self, copy: Copy) -> None:
        copy.replace(self.API, '@routes.get("")', '@routes.get("/mine")')
        copy.replace(self.API, "status_code=201", "status_code=200")
        copy.replace(self.API, "ProfileUpdate, user: CurrentUser", "ProfileUpdate, user: str")
        copy.replace(self.API, "body: ProfileCreate,", "body: ProfileUpdate,")
        text = await self.differences(copy)
        for message in (
            "GET /api/profile is missing: shared/contracts/generated/openapi/back-api.json has it",
            "GET /api/profile/mine is in no contract",
            "POST /api/profile: /answers/201 is missing",
            "POST /api/profile: /answers/200 is in no contract",
            "POST /api/profile: /body/application/json/required is missing",
            "PATCH /api/profile: /auth should be [{'user': []}], and is []",
            "PATCH /api/profile: /parameters/query user is in no contract",
        ):
            assert f"back-api/main.py: {message}" in text

    async def test_an_idempotency_key_that_one_of_both_takes(self, copy: Copy) -> None:
        copy.replace(self.API, "ProfileCreate, user: CurrentUser, once: Once", "ProfileCreate")
        copy.replace(self.API, "body: ProfileUpdate,", "body: ProfileUpdate, once: Once,")
        text = await self.differences(copy)
        header = "/parameters/header Idempotency-Key is"
        assert f"POST /api/profile: {header} missing" in text
        assert f"PATCH /api/profile: {header} in no contract" in text

    async def test_an_app_that_cannot_be_made_is_named(self, copy: Copy) -> None:
        copy.replace("back-api/main.py", "settings = Settings()", "raise ValueError('no')")
        with pytest.raises(
            DevError, match=r"back-api/main.py: app\(\) can't be made: ValueError: no"
        ):
            await self.differences(copy)

    async def test_diff_shows_slice_and_document(self, copy: Copy) -> None:
        copy.replace(self.API, "status_code=201", "status_code=200")
        slice_ = "back-api/features/profile/feature.yaml"
        copy.replace(slice_, "method: PATCH", "method: PUT")
        tree = copy.tree()
        tree.__dict__["services"] = {"back-api": "1.0.0"}
        lines = await check.compared(tree, "profile")
        assert "back-api: differs" in lines
        assert "  -  method: PATCH" in lines
        assert any("POST /api/profile: /answers/201 is missing" in line for line in lines)
        assert lines[-1] == "back-postgres: has no code yet"
        with pytest.raises(
            DevError, match=r"there is no contract wishes; there are: account, .*, audit, "
        ):
            await check.compared(tree, "wishes")


class TestARunningStack:
    def test_a_stack_of_this_checkout_holds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(running_stack, "LOCAL", set())
        here = check.Tree(ROOT)
        plain = [file.contract for file in here.contracts.values()]
        with served(stub_routes.service("back-api", here.services["back-api"], plain)) as url:
            assert list(running_stack.broken(here, url)) == []

    def test_other_versions_and_routes_are_named(
        self, copy: Copy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(running_stack, "LOCAL", set())
        copy.replace(PROFILE, "version: 1.", "version: 3.")
        copy.replace(PROFILE, "path: /api/profile", "path: /api/my-profile")
        here = check.Tree(ROOT)
        plain = [file.contract for file in here.contracts.values()]
        with served(stub_routes.service("back-api", "0.9.0", plain)) as url:
            found = "\n".join(map(str, running_stack.broken(copy.tree(), url)))
        assert "back-api runs on profile 1." in found
        assert "this checkout has 3." in found
        assert "back-api 0.9.0 runs; this checkout has 1.0.0" in found
        assert "POST /api/my-profile is missing" in found

    def test_something_else_is_refused_in_one_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(running_stack, "LOCAL", set())
        with served(FastAPI()) as url, pytest.raises(DevError, match="/health answers 404"):
            list(running_stack.broken(check.Tree(ROOT), url))
        with pytest.raises(DevError, match="can't be read"):
            list(running_stack.broken(check.Tree(ROOT), "http://127.0.0.1:1"))
        with pytest.raises(DevError, match="--url takes an address"):
            list(running_stack.broken(check.Tree(ROOT), "127.0.0.1:8000"))


class TestGraph:
    def test_the_order_of_a_release_and_its_reverse(self) -> None:
        drawn = graph.text(check.Tree(ROOT).contracts)
        release = next(it for it in drawn.splitlines() if it.startswith("release:"))
        places = [release.index(it) for it in ("shared", "back-postgres", "back-auth", "back-api")]
        assert places == sorted(places)
        rollback = next(it for it in drawn.splitlines() if it.startswith("rollback:"))
        assert rollback.split()[-1] == "shared"
        assert "  calls back-postgres\n    GET /users/{user_id}\n" in drawn
        assert "user.registered (mail)" in drawn

    def test_every_service_is_drawn_and_twice_the_same(self) -> None:
        contracts = check.Tree(ROOT).contracts
        drawn = graph.mermaid(contracts)
        assert drawn == graph.mermaid(contracts)
        for service in check.Tree(ROOT).services:
            assert service in drawn
