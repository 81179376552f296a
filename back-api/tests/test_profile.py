"""A profile: its completion rule, its updates and its endpoints."""

from uuid import UUID, uuid4

import pytest
from fakes import FakeProfiles
from stub_services import StubServices

from features.profile.domain import Profiles, completion
from shared.kit.errors import Conflict, NotFound
from shared.models.event import Command
from shared.models.profile import (
    ProfileCreate,
    ProfileFields,
    ProfileUpdate,
    StoredProfile,
    WriteProfile,
)
from shared.testing.asgi_client import AsgiClient


@pytest.fixture
def store() -> FakeProfiles:
    return FakeProfiles()


@pytest.fixture
def profiles(store: FakeProfiles) -> Profiles:
    return Profiles(store)


ADA = ProfileCreate(first_name=" Ada ", last_name="Lovelace")


def content_of(command: Command[WriteProfile]) -> dict[str, object]:
    """What back-postgres compares of a command and its repeat."""
    times = {"occurred_at", "correlation_id"}
    return command.model_dump(exclude={"events": {"__all__": {"envelope": times}}})


class TestCompletion:
    @pytest.mark.parametrize(
        "filled, percent",
        [
            ({}, 40),
            ({"display_name": "ada"}, 60),
            ({"display_name": "ada", "company": "Analytical"}, 80),
            ({"display_name": "ada", "company": "A", "job_title": "Countess"}, 100),
        ],
    )
    def test_each_personal_field_is_a_fifth(self, filled: dict[str, str], percent: int) -> None:
        fields = ProfileFields(
            first_name="Ada", last_name="Lovelace", language="en", timezone="UTC", **filled
        )
        assert completion(fields) == percent


class TestCreate:
    async def test_says_so_in_an_event(self, profiles: Profiles, store: FakeProfiles) -> None:
        user_id = uuid4()
        profile = await profiles.create(user_id, ADA)
        assert (profile.first_name, profile.completion, profile.user_id) == ("Ada", 40, user_id)
        [event] = store.events
        assert event.envelope.event_type == "profile.created"
        assert event.envelope.payload == {
            "user_id": str(user_id),
            "profile_id": str(profile.id),
            "completion": 40,
        }

    async def test_a_user_has_one(self, profiles: Profiles) -> None:
        user_id = uuid4()
        await profiles.create(user_id, ADA)
        with pytest.raises(Conflict, match="profile_exists"):
            await profiles.create(user_id, ADA)

    async def test_a_repeated_command_creates_one(
        self, profiles: Profiles, store: FakeProfiles
    ) -> None:
        user_id, command_id = uuid4(), uuid4()
        first = await profiles.create(user_id, ADA, command_id)
        written = store.commands[-1]
        assert await profiles.create(user_id, ADA, command_id) == first
        assert content_of(store.commands[-1]) == content_of(written)


class TestUpdate:
    async def test_changes_what_is_named_and_nothing_else(
        self, profiles: Profiles, store: FakeProfiles
    ) -> None:
        user_id = uuid4()
        await profiles.create(user_id, ADA)
        profile = await profiles.update(user_id, ProfileUpdate(company="Analytical"))
        assert (profile.company, profile.last_name, profile.completion) == (
            "Analytical",
            "Lovelace",
            60,
        )
        assert store.events[-1].envelope.payload["changed"] == ["company"]

    async def test_null_empties_a_field(self, profiles: Profiles) -> None:
        user_id = uuid4()
        await profiles.create(user_id, ADA.model_copy(update={"company": "A"}))
        profile = await profiles.update(user_id, ProfileUpdate(company=None))
        assert profile.company is None
        assert profile.completion == 40

    async def test_what_is_so_already_is_not_written(
        self, profiles: Profiles, store: FakeProfiles
    ) -> None:
        user_id = uuid4()
        created = await profiles.create(user_id, ADA)
        assert await profiles.update(user_id, ProfileUpdate(first_name="Ada")) == created
        assert len(store.events) == 1
        assert store.profiles[user_id].version == 1

    async def test_reads_again_when_others_were_faster(
        self, profiles: Profiles, store: FakeProfiles
    ) -> None:
        user_id = uuid4()
        await profiles.create(user_id, ADA)
        store.stale = 2
        assert (await profiles.update(user_id, ProfileUpdate(company="A"))).company == "A"

    async def test_gives_up_after_three_tries(
        self, profiles: Profiles, store: FakeProfiles
    ) -> None:
        user_id = uuid4()
        await profiles.create(user_id, ADA)
        store.stale = 3
        with pytest.raises(Conflict, match="stale_version"):
            await profiles.update(user_id, ProfileUpdate(company="A"))
        assert store.profiles[user_id].company is None

    async def test_needs_a_profile(self, profiles: Profiles) -> None:
        with pytest.raises(NotFound):
            await profiles.update(uuid4(), ProfileUpdate(company="A"))

    async def test_other_conflicts_are_told_at_once(self, store: FakeProfiles) -> None:
        class Odd(FakeProfiles):
            tries = 0

            async def replace(self, command: object) -> StoredProfile:
                self.tries += 1
                raise Conflict(code="command_reused")

        odd = Odd()
        user_id = uuid4()
        await Profiles(odd).create(user_id, ADA)
        with pytest.raises(Conflict, match="command_reused"):
            await Profiles(odd).update(user_id, ProfileUpdate(company="A"))
        assert odd.tries == 1


class TestCalls:
    async def test_create_read_update(
        self, api: AsgiClient, stubs: StubServices, user_id: UUID
    ) -> None:
        bearer = stubs.bearer(user_id)
        assert (await api.get("/api/profile", headers=bearer)).status == 404
        body = {"first_name": "Ada", "last_name": "Lovelace", "timezone": "Europe/London"}
        created = await api.post("/api/profile", json=body, headers=bearer)
        assert created.status == 201
        assert (await api.post("/api/profile", json=body, headers=bearer)).status == 409
        update = {"job_title": "Countess \U0001f913"}
        updated = await api.patch("/api/profile", json=update, headers=bearer)
        assert updated.json()["job_title"] == "Countess \U0001f913"
        read = await api.get("/api/profile", headers=bearer)
        assert read.json() == updated.json()
        assert "version" not in read.json()

    async def test_a_repeat_gets_the_first_answer(
        self, api: AsgiClient, stubs: StubServices, user_id: UUID
    ) -> None:
        headers = stubs.bearer(user_id) | {"Idempotency-Key": "create"}
        body = {"first_name": "Ada", "last_name": "Lovelace"}
        first = await api.post("/api/profile", json=body, headers=headers)
        again = await api.post("/api/profile", json=body, headers=headers)
        assert (first.status, again.status, again.body) == (201, 201, first.body)
        assert again.headers["idempotent-replayed"] == "true"
        other = await api.post("/api/profile", json=body | {"last_name": "L"}, headers=headers)
        assert (other.status, other.json()["code"]) == (422, "idempotency_key_reused")
        refused = await api.post("/api/profile", json=body, headers=stubs.bearer(user_id))
        assert refused.status == 409

    async def test_a_repeat_gets_it_without_back_redis_too(
        self, api: AsgiClient, stubs: StubServices, user_id: UUID
    ) -> None:
        stubs.responses.down = True
        headers = stubs.bearer(user_id) | {"Idempotency-Key": "create"}
        body = {"first_name": "Ada", "last_name": "Lovelace"}
        first = await api.post("/api/profile", json=body, headers=headers)
        again = await api.post("/api/profile", json=body, headers=headers)
        assert (first.status, again.status, again.body) == (201, 201, first.body)

    async def test_is_always_ones_own(
        self, api: AsgiClient, stubs: StubServices, user_id: UUID
    ) -> None:
        body = {"first_name": "Ada", "last_name": "L", "user_id": str(uuid4())}
        reply = await api.post("/api/profile", json=body, headers=stubs.bearer(user_id))
        assert reply.status == 422

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"first_name": None},
            {"first_name": ""},
            {"first_name": "a\nb"},
            {"first_name": "a" * 101},
            {"language": "xx"},
            {"timezone": "Mars/Olympus"},
            {"unknown": 1},
        ],
    )
    async def test_refuses_a_bad_update(
        self, api: AsgiClient, stubs: StubServices, user_id: UUID, body: dict[str, object]
    ) -> None:
        reply = await api.patch("/api/profile", json=body, headers=stubs.bearer(user_id))
        assert reply.status == 422
        assert reply.json()["errors"]

    async def test_needs_a_token(self, api: AsgiClient) -> None:
        reply = await api.get("/api/profile")
        assert reply.status == 401
        assert reply.headers["www-authenticate"] == "Bearer"
        assert reply.json()["code"] == "token_missing"
