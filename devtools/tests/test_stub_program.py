"""Prism itself, from the npm registry, serving the documents of the contracts."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from devtools.engines.recipe import free_ports
from devtools.stack import health, stub
from devtools.stack.logs import LogFile
from devtools.stack.process import Process
from devtools.stack.topology import TopologyError, load
from devtools.workspace.processes import Command
from devtools.workspace.repository import COMPOSE_FILE
from shared.models.problem import Problem
from shared.models.user import User

ASSERTION = {"X-Service-Assertion": "any"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    folder = tmp_path_factory.mktemp("stub")
    port = free_ports(1)
    argv = await stub.command("back-postgres", folder, port)
    log = LogFile(folder, "stub")
    process = await Process.start(Command(argv, {}, folder), log)
    async with asyncio.timeout(120):
        while not (await health.get(port, "/health/ready")).is_good:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)  # noqa: TID251 - polls until a deadline
    yield f"http://127.0.0.1:{port}"
    await process.stop()
    log.close()


async def ask(
    url: str, headers: dict[str, str], body: object = None
) -> tuple[int, dict[str, object]]:
    data = None if body is None else json.dumps(body).encode()
    given = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(url, data, given)  # noqa: S310 - our own stub

    def send() -> tuple[int, dict[str, object]]:
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 - the same
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, json.load(refusal)

    return await asyncio.to_thread(send)


@pytest.mark.asyncio(loop_scope="module")
class TestAnswers:
    async def test_what_it_makes_up_is_what_the_models_say(self, address: str) -> None:
        for _ in range(20):
            status, user = await ask(f"{address}/users/{uuid4()}", ASSERTION)
            assert status == 200
            User.model_validate(user)

    async def test_a_call_without_an_assertion_is_refused(self, address: str) -> None:
        status, problem = await ask(f"{address}/users/{uuid4()}", {})
        assert (status, Problem.model_validate(problem).status) == (401, 401)
        assert problem["code"] in {"assertion_missing", "assertion_refused"}

    async def test_a_request_that_breaks_the_document_is_refused(self, address: str) -> None:
        status, problem = await ask(f"{address}/users", ASSERTION, {"nothing": 1})
        assert (status, Problem.model_validate(problem).status) == (422, 422)

    async def test_the_contracts_errors_can_be_asked_for(self, address: str) -> None:
        headers = {**ASSERTION, "Prefer": "code=404"}
        status, problem = await ask(f"{address}/users/{uuid4()}", headers)
        assert (status, Problem.model_validate(problem).code) == (404, "user_not_found")


class TestTopology:
    def test_the_engine_of_a_stub_alone_is_left_out(self) -> None:
        whole = load(COMPOSE_FILE, {}).with_profiles()
        stubbed = whole.with_stubs(["back-postgres"])
        assert whole.services.keys() - stubbed.services.keys() == {"postgres"}
        assert stubbed.services["back-postgres"].is_stub
        assert not stubbed.services["back-postgres"].depends_on

    def test_an_engine_that_others_use_stays(self) -> None:
        assert "broker" in load(COMPOSE_FILE, {}).with_stubs(["back-workers"]).services

    def test_an_engine_can_not_be_stubbed(self) -> None:
        with pytest.raises(TopologyError, match="--stub postgres: no such service"):
            load(COMPOSE_FILE, {}).with_stubs(["postgres"])
