"""Repeated requests with an Idempotency-Key, on a store in memory."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID, uuid4

import pytest
from fastapi import APIRouter, Header, Response

from shared.kit import Service, ServiceSettings
from shared.kit.errors import Conflict, ServiceError, TimedOut, TooManyRequests
from shared.kit.http.idempotency import Once
from shared.models.base import PublicRequest
from shared.models.idempotency import STORED_BODY_MAX
from shared.testing.asgi_client import AsgiClient, AsgiReply, running
from shared.testing.fake_responses import FakeResponses
from shared.testing.waiting import until

PATH = "/notes"


User = Annotated[UUID, Header(alias="X-User")]


class Note(PublicRequest):
    text: str
    count: int = 0


@dataclass
class Notes:
    """Stores notes by command_id; refuses, crashes or waits where a test says so."""

    by_command: dict[UUID, Note] = field(default_factory=dict)
    calls: int = 0
    refuses: ServiceError | None = None
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_end.set()

    async def write(self, command_id: UUID, note: Note) -> Note:
        self.calls += 1
        await self.may_end.wait()
        if self.refuses:
            raise self.refuses
        if self.by_command.setdefault(command_id, note) != note:
            raise Conflict(code="command_reused")
        return self.by_command[command_id].model_copy(update={"count": self.calls})


@dataclass
class World:
    client: AsgiClient
    notes: Notes
    responses: FakeResponses
    service: Service
    user_id: UUID = field(default_factory=uuid4)

    async def post(
        self,
        key: str | None = "key",
        body: Mapping[str, object] | None = None,
        *,
        user_id: UUID | None = None,
        route: str = PATH,
        content: bytes | None = None,
    ) -> AsgiReply:
        headers = {"X-User": str(user_id or self.user_id)}
        headers |= {} if key is None else {"Idempotency-Key": key}
        if content:
            headers["Content-Type"] = "application/json"
            return await self.client.post(route, content=content, headers=headers)
        return await self.client.post(route, json=body or {"text": "one"}, headers=headers)


def routes(notes: Notes) -> APIRouter:
    router = APIRouter()

    @router.post(PATH, status_code=201, response_model=Note)
    async def create(user_id: User, body: Note, once: Once) -> Response:
        return await once(
            user_id,
            lambda command_id: notes.write(command_id, body),
            location=lambda note: f"/notes/{note.text}",
        )

    @router.post("/others", status_code=201, response_model=Note)
    async def other(user_id: User, body: Note, once: Once) -> Response:
        return await once(user_id, lambda command_id: notes.write(command_id, body))

    @router.post("/nothing", status_code=204)
    async def nothing(user_id: User, once: Once) -> Response:
        async def write(command_id: UUID) -> None:
            await notes.write(command_id, Note(text="nothing"))

        return await once(user_id, write)

    return router


@pytest.fixture
async def world(settings: ServiceSettings) -> AsyncIterator[World]:
    service, notes, responses = Service(settings), Notes(), FakeResponses()
    service.takes_idempotency_keys(responses, hash_key="secret", wait_seconds=20)
    service.api.include_router(routes(notes))
    async with running(service.api) as client:
        yield World(client, notes, responses, service)


def waiting(world: World, seconds: float) -> None:
    state = world.service.api.state
    state.idempotency = dataclasses.replace(state.idempotency, wait_seconds=seconds)


class TestRepeats:
    async def test_get_the_stored_response(self, world: World) -> None:
        first, again = await world.post(), await world.post()
        assert (first.status, first.json()) == (201, {"text": "one", "count": 1})
        assert (again.status, again.body) == (first.status, first.body)
        for name in ("content-type", "location", "content-length"):
            assert again.headers[name] == first.headers[name]
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        assert world.notes.calls == 1

    async def test_may_write_the_same_body_in_another_way(self, world: World) -> None:
        await world.post(content=b'{"text": "one", "count": 0}')
        again = await world.post(content=b'{"count":0,"text":"\\u006fne"}')
        assert again.headers["idempotent-replayed"] == "true"

    async def test_of_an_answer_without_a_body(self, world: World) -> None:
        for _ in range(2):
            reply = await world.post(route="/nothing")
            assert (reply.status, reply.body) == (204, b"")
        assert world.notes.calls == 1

    async def test_with_another_body_are_refused(self, world: World) -> None:
        await world.post()
        refused = await world.post(body={"text": "two"})
        assert (refused.status, refused.json()["code"]) == (422, "idempotency_key_reused")
        assert (await world.post()).status == 201

    async def test_of_another_user_route_or_key_are_other_requests(self, world: World) -> None:
        await world.post()
        await world.post(user_id=uuid4())
        await world.post(route="/others")
        await world.post("other-key")
        await world.post(None)
        await world.post(None)
        assert world.notes.calls == 6
        assert len(world.notes.by_command) == 6

    async def test_of_a_refusal_get_the_same_refusal(self, world: World) -> None:
        world.notes.refuses = Conflict(code="note_exists")
        first = await world.post()
        world.notes.refuses = None
        again = await world.post()
        assert (first.status, first.json()["code"]) == (409, "note_exists")
        assert (again.status, again.body) == (first.status, first.body)
        assert again.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize(
        "refusal", [TooManyRequests(retry_after=1), TimedOut(), ServiceError()]
    )
    async def test_run_again_after_what_may_pass(self, world: World, refusal: ServiceError) -> None:
        world.notes.refuses = refusal
        assert (await world.post()).status == refusal.status
        world.notes.refuses = None
        assert (await world.post()).status == 201
        assert world.notes.calls == 2

    async def test_of_what_is_too_long_to_store_run_again(self, world: World) -> None:
        body = {"text": "a" * STORED_BODY_MAX}
        for _ in range(2):
            world.responses.end_leases()
            assert (await world.post(body=body)).status == 201
        assert (world.notes.calls, len(world.notes.by_command)) == (2, 1)

    async def test_nobody_can_guess_a_body_from_what_is_stored(self, world: World) -> None:
        await world.post()
        await world.post(user_id=uuid4())
        first, other = (held.fingerprint for held in world.responses.held.values())
        assert first != other, "equal bodies of two users are not to be recognised"
        state = world.service.api.state
        state.idempotency = dataclasses.replace(state.idempotency, hash_key=b"another")
        assert (await world.post()).status == 422, "the fingerprint depends on the key"


class TestAtOnce:
    async def test_fifty_run_once(self, world: World) -> None:
        world.notes.may_end.clear()
        requests = [asyncio.create_task(world.post()) for _ in range(50)]
        await until(lambda: world.notes.calls)
        world.notes.may_end.set()
        replies = await asyncio.gather(*requests)
        assert {(reply.status, reply.body) for reply in replies} == {
            (201, b'{"text":"one","count":1}')
        }
        assert world.notes.calls == 1

    async def test_a_repeat_does_not_wait_for_ever(self, world: World) -> None:
        waiting(world, 0)
        world.notes.may_end.clear()
        first = asyncio.create_task(world.post())
        await until(lambda: world.notes.calls)
        busy = await world.post()
        assert (busy.status, busy.json()["code"]) == (409, "request_in_progress")
        assert busy.headers["retry-after"] == "1"
        world.notes.may_end.set()
        assert (await first).body == (await world.post()).body


class TestFaults:
    async def test_a_crash_leaves_nothing_locked(self, world: World) -> None:
        waiting(world, 0)
        world.notes.may_end.clear()
        crashed = asyncio.create_task(world.post())
        await until(lambda: world.notes.calls)
        crashed.cancel()
        await asyncio.gather(crashed, return_exceptions=True)
        world.notes.may_end.set()
        assert (await world.post()).status == 409
        world.responses.end_leases()
        assert (await world.post()).status == 201

    async def test_whoever_lost_the_hold_stores_no_response(self, world: World) -> None:
        world.notes.may_end.clear()
        late = asyncio.create_task(world.post())
        await until(lambda: world.notes.calls)
        world.responses.end_leases()
        world.notes.may_end.set()
        second = await world.post()
        assert (await late).status == 201
        assert (await world.post()).body == second.body

    async def test_without_the_store_the_command_decides(self, world: World) -> None:
        world.responses.down = True
        assert (await world.post()).status == 201
        again = await world.post()
        assert again.status == 201
        assert len(world.notes.by_command) == 1
        reused = await world.post(body={"text": "two"})
        assert (reused.status, reused.json()["code"]) == (422, "idempotency_key_reused")

    async def test_a_store_that_lost_the_response_does_not_matter(self, world: World) -> None:
        await world.post()
        world.responses.held.clear()
        reused = await world.post(body={"text": "two"})
        assert (reused.status, reused.json()["code"]) == (422, "idempotency_key_reused")
        assert (await world.post()).status == 201
        assert len(world.notes.by_command) == 1

    async def test_a_store_that_goes_meanwhile_does_not_matter(self, world: World) -> None:
        world.notes.may_end.clear()
        first = asyncio.create_task(world.post())
        await until(lambda: world.notes.calls)
        world.responses.down = True
        world.notes.may_end.set()
        assert (await first).status == 201


class TestKeys:
    @pytest.mark.parametrize(
        "key", ["a", "a" * 255, '"a"', '"a b"', '"' + "a" * 255 + '"', "8e03:-_"]
    )
    async def test_are_taken_quoted_or_not(self, world: World, key: str) -> None:
        assert (await world.post(key)).status == 201

    async def test_are_the_same_quoted_or_not(self, world: World) -> None:
        await world.post('a"b')
        assert (await world.post('"a\\"b"')).headers["idempotent-replayed"] == "true"

    @pytest.mark.parametrize(
        "key",
        [
            "",
            "a" * 256,
            "a b",
            '"a',
            '""',
            '"a"b"',
            '"a";x=1',
            '"a\\b"',
            "ü",
            '"' + "a" * 256 + '"',
        ],
    )
    async def test_of_another_form_are_refused(self, world: World, key: str) -> None:
        refused = await world.post(key)
        assert (refused.status, refused.json()["code"]) == (400, "idempotency_key_invalid")
        assert world.notes.calls == 0

    async def test_are_one_a_request(self, world: World) -> None:
        two = {"X-User": str(uuid4()), "Idempotency-Key": "a", "idempotency-key": "b"}
        refused = await world.client.post(PATH, json={"text": "one"}, headers=two)
        assert (refused.status, refused.json()["code"]) == (400, "idempotency_key_invalid")


class TestDocument:
    def test_names_the_header_and_the_answers(self, world: World) -> None:
        said = world.service.api.openapi()["paths"]
        keyed = said[PATH]["post"]
        assert "Idempotency-Key" in [it["name"] for it in keyed["parameters"]]
        assert "Idempotent-Replayed" in keyed["responses"]["201"]["headers"]
        named = {status: str(it) for status, it in keyed["responses"].items()}
        assert "RequestInProgress" in named["409"]
        assert "KeyReused" in named["422"]
        assert "BodyOrKey" in named["400"]
        assert "MalformedKey" in str(said["/nothing"]["post"]["responses"]["400"])
