"""Pacts: a change that breaks one fails the tests of the side that made it."""

import json
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from fastapi import FastAPI, Response

from shared.kit.auth.guards import calls_with_scope
from shared.kit.auth.service_identity import AssertionVerifier
from shared.kit.errors import NotFound
from shared.kit.http.problems import install_problems
from shared.models.event import EventEnvelope
from shared.models.user import LookUpUser, User, UserChange
from shared.testing.identities import Identities, make_identities
from shared.testing.pacts import (
    ConsumerPact,
    NotKept,
    PactChanged,
    Provider,
    exactly,
    refusal,
    reply,
    state,
)
from shared.testing.pacts.document import (
    FOLDER,
    interactions_in,
    parties_in,
    rendered,
)
from shared.testing.pacts.provider import Parameters, pacts_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
EVENT = UUID("e0000000-0000-4000-8000-000000000001")
USER = UUID("a0000000-0000-4000-8000-000000000001")
READ: dict[str, object] = {
    "id": exactly(USER),
    "email": "ada@example.org",
    "role": "user",
    "status": exactly("active"),
    "version": 1,
    "created_at": NOON,
}
A_USER = state("a user exists", id=USER)


@pytest.fixture
def pact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ConsumerPact:
    """A pact that is being written."""
    with monkeypatch.context() as writing:
        writing.setenv("WRITE_PACTS", "1")
        return ConsumerPact("back-api", "back-postgres", folder=tmp_path)


async def read_a_user(pact: ConsumerPact, **changes: object) -> User:
    async with pact.exchange(
        "a user by id",
        given=[A_USER],
        asks=f"GET /users/{USER}",
        answers=reply(200, READ | changes),
    ) as postgres:
        return await postgres.get(f"/users/{USER}", response_model=User)


async def miss_a_user(pact: ConsumerPact, code: str = "user_not_found") -> None:
    sent = LookUpUser(email="nobody@example.org")
    async with pact.exchange(
        "an address that nobody has",
        asks="POST /users/lookup",
        sends=sent,
        answers=refusal(404, code),
    ) as postgres:
        with pytest.raises(NotFound):
            await postgres.post("/users/lookup", sent, response_model=User)


@pytest.fixture
async def committed(pact: ConsumerPact, tmp_path: Path) -> Path:
    """A pact in its file."""
    await read_a_user(pact)
    await miss_a_user(pact)
    pact.recording.finish(complete=True)
    (path,) = pacts_of("back-postgres", tmp_path)
    return path


class TestConsumer:
    async def test_gets_what_it_says_that_it_reads(self, pact: ConsumerPact) -> None:
        assert (await read_a_user(pact)).email == "ada@example.org"

    async def test_has_to_ask_what_it_says_that_it_asks(self, pact: ConsumerPact) -> None:
        with pytest.raises(AssertionError, match="did not ask what 'another body' says"):
            async with pact.exchange(
                "another body",
                asks="POST /users/lookup",
                sends=LookUpUser(email="ada@example.org"),
                answers=reply(200, READ),
            ) as postgres:
                await postgres.post("/users/lookup", UserChange(role="user"), response_model=User)

    async def test_fails_with_its_own_error_where_it_asked_rightly(
        self, pact: ConsumerPact
    ) -> None:
        async def stumble() -> None:
            async with pact.exchange(
                "a user by id", asks=f"GET /users/{USER}", answers=reply(200, READ)
            ) as postgres:
                await postgres.get(f"/users/{USER}")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await stumble()

    async def test_has_a_name_for_each_interaction(self, pact: ConsumerPact) -> None:
        await read_a_user(pact)
        with pytest.raises(AssertionError, match="two interactions are called 'a user by id'"):
            await read_a_user(pact)


class TestFile:
    def recording(self, folder: Path) -> ConsumerPact:
        return ConsumerPact("back-api", "back-postgres", folder=folder)

    async def test_the_same_tests_match_it_in_any_order(
        self, committed: Path, tmp_path: Path
    ) -> None:
        again = self.recording(tmp_path)
        await miss_a_user(again)
        await read_a_user(again)
        again.recording.finish(complete=True)

    async def test_one_test_alone_matches_it(self, committed: Path, tmp_path: Path) -> None:
        alone = self.recording(tmp_path)
        await read_a_user(alone)
        alone.recording.finish(complete=False)

    async def test_a_changed_interaction_fails_in_its_test(
        self, committed: Path, tmp_path: Path
    ) -> None:
        with pytest.raises(PactChanged, match="changed: a user by id") as raised:
            await read_a_user(self.recording(tmp_path), status=exactly("suspended"))
        assert "WRITE_PACTS=1 ./dev test back-api" in str(raised.value)

    async def test_a_new_interaction_fails_in_its_test(self, tmp_path: Path) -> None:
        with pytest.raises(PactChanged, match="new: a user by id"):
            await read_a_user(self.recording(tmp_path))

    async def test_an_interaction_that_no_test_says_fails_at_the_end(
        self, committed: Path, tmp_path: Path
    ) -> None:
        fewer = self.recording(tmp_path)
        await read_a_user(fewer)
        with pytest.raises(PactChanged, match="no test says: an address that nobody has"):
            fewer.recording.finish(complete=True)

    async def test_writing_after_a_selection_keeps_the_rest(
        self, committed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("WRITE_PACTS", "1")
        some = self.recording(tmp_path)
        await read_a_user(some, status=exactly("suspended"))
        some.recording.finish(complete=False)
        assert set(interactions_in(committed)) == {"a user by id", "an address that nobody has"}
        assert "suspended" in committed.read_text()

    def test_holds_nothing_of_the_moment_or_the_tools(self, committed: Path) -> None:
        assert set(json.loads(committed.read_text())["metadata"]) == {"pactSpecification"}


def postgres_with(answer: Callable[[], Response]) -> FastAPI:
    api = FastAPI()
    install_problems(api)
    reading = [calls_with_scope("users:read")]

    @api.get("/users/{user_id}", dependencies=reading)
    async def user(user_id: UUID) -> Response:
        return answer()

    @api.post("/users/lookup", dependencies=reading)
    async def look_up(asked: LookUpUser) -> User:
        raise NotFound(code="user_not_found")

    return api


@pytest.fixture
def keys(tmp_path: Path) -> Identities:
    return make_identities(tmp_path / "keys", "back-api", "back-postgres")


class Store:
    """The store that the state is set up in."""

    def __init__(self) -> None:
        self.users: list[User] = []
        self.cleaned = 0

    async def user(self, given: Parameters) -> None:
        user = {"email": "grace@example.org", "role": "admin", "status": "active", "version": 3}
        self.users.append(User.model_validate(given | user | {"created_at": NOON}))

    async def clean(self) -> None:
        self.users.clear()
        self.cleaned += 1

    def answer(self, *without: str) -> Response:
        body = self.users[0].model_dump_json(exclude=set(without))
        return Response(body, media_type="application/json")


class TestProvider:
    async def verify(
        self,
        path: Path,
        keys: Identities,
        store: Store,
        *without: str,
        set_up: Callable[[Parameters], Awaitable[None]] | None = None,
    ) -> None:
        app = postgres_with(lambda: store.answer(*without))
        public_keys = Path(keys.env("back-postgres")["PUBLIC_KEYS_DIR"])
        app.state.assertions = AssertionVerifier("back-postgres", public_keys)
        await Provider(
            "back-postgres",
            app=app,
            keys=keys,
            states={"a user exists": set_up or store.user},
            clean=store.clean,
        ).keeps(path)

    async def test_keeps_it_with_other_values_of_the_same_form(
        self, committed: Path, keys: Identities
    ) -> None:
        store = Store()
        await self.verify(committed, keys, store)
        assert store.cleaned == 2

    @pytest.mark.parametrize("field", READ)
    async def test_breaks_it_with_one_field_less(
        self, committed: Path, keys: Identities, field: str
    ) -> None:
        with pytest.raises(NotKept, match=f"missing the following keys: {field}"):
            await self.verify(committed, keys, Store(), field)

    async def test_is_told_which_state_its_tests_do_not_know(self, committed: Path) -> None:
        with pytest.raises(NotKept, match="don't know: the state 'a user exists'"):
            await Provider("back-postgres").keeps(committed)

    async def test_is_told_why_a_state_could_not_be_brought_about(
        self, committed: Path, keys: Identities
    ) -> None:
        async def fails(_: Parameters) -> None:
            raise ZeroDivisionError

        with pytest.raises(NotKept) as raised:
            await self.verify(committed, keys, Store(), set_up=fails)
        assert isinstance(raised.value.__cause__, ZeroDivisionError)

    async def test_is_told_also_where_the_answer_is_right_all_the_same(
        self, committed: Path, keys: Identities
    ) -> None:
        store = Store()

        async def fails(given: Parameters) -> None:
            await store.user(given)
            raise ZeroDivisionError

        with pytest.raises(NotKept, match=r"a state or a message of .* failed"):
            await self.verify(committed, keys, store, set_up=fails)

    async def test_verifies_only_what_names_it(self, committed: Path) -> None:
        with pytest.raises(NotKept, match="is a pact of back-postgres"):
            await Provider("back-auth").keeps(committed)


class TestMessages:
    @pytest.fixture
    async def path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("WRITE_PACTS", "1")
        pact = ConsumerPact("back-workers", "back-api", folder=tmp_path)
        async with pact.message("user.registered", self.read(user_id=USER)) as text:
            assert json.loads(text)["payload"] == {"user_id": str(USER)}
        pact.recording.finish(complete=True)
        (path,) = pacts_of("back-api", tmp_path)
        return path

    async def test_a_publisher_keeps_it(self, path: Path) -> None:
        await self.publisher(user_id=str(USER)).keeps(path)

    async def test_a_publisher_breaks_it_with_one_field_less(self, path: Path) -> None:
        with pytest.raises(NotKept, match="missing the following keys: user_id"):
            await self.publisher(who=str(USER)).keeps(path)

    async def test_a_publisher_has_to_know_it(self, path: Path) -> None:
        with pytest.raises(NotKept, match=r"don't know: the message 'user\.registered'"):
            await Provider("back-api").keeps(path)

    def read(self, **payload: object) -> dict[str, object]:
        return {"event_id": EVENT, "event_type": exactly("user.registered"), "payload": payload}

    def publisher(self, **payload: str) -> Provider:
        async def registered() -> EventEnvelope:
            return EventEnvelope(
                event_id=EVENT,
                event_type="user.registered",
                occurred_at=NOON,
                correlation_id="correlation-1",
                payload=dict(payload),
            )

        return Provider("back-api", messages={"user.registered": registered})


def test_nobody_outside_is_told_of_the_tests() -> None:
    assert os.environ["PACT_DO_NOT_TRACK"] == "true"


class TestCommittedPacts:
    @pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
    def test_are_in_their_form(self, path: Path) -> None:
        interactions = interactions_in(path).values()
        assert path.read_text() == rendered(*parties_in(path), interactions)
