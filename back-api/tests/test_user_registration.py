"""Registration: the rules and the endpoint."""

from uuid import uuid4

import pytest
from fakes import FakeCredentials, FakeLimit, FakeUsers
from stub_services import StubServices

from features.user_registration.domain import UserRegistrations
from features.user_registration.infrastructure import RedisLimit
from main import app
from shared.kit.errors import Conflict, RuleViolated, TooManyRequests
from shared.models.user import NewUser, User, UserRegistration
from shared.testing.asgi_client import AsgiClient, in_memory, running
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities

PASSWORD = "correct horse battery"


def wanted(email: str = "Ada@Example.org", *, accept_terms: bool = True) -> UserRegistration:
    return UserRegistration(email=email, password=PASSWORD, accept_terms=accept_terms)


class TestRegister:
    @pytest.fixture
    def users(self) -> FakeUsers:
        return FakeUsers()

    @pytest.fixture
    def credentials(self) -> FakeCredentials:
        return FakeCredentials()

    @pytest.fixture
    def limit(self) -> FakeLimit:
        return FakeLimit()

    @pytest.fixture
    def registrations(
        self, users: FakeUsers, credentials: FakeCredentials, limit: FakeLimit
    ) -> UserRegistrations:
        return UserRegistrations(users, credentials, limit)

    async def test_stores_a_pending_user_and_says_so_in_an_event(
        self, registrations: UserRegistrations, users: FakeUsers
    ) -> None:
        answer = await registrations.register(wanted(), address="10.0.0.1")
        stored = users.users[answer.user_id]
        assert (stored.email, stored.status, stored.role) == (
            "ada@example.org",
            "pending_verification",
            "user",
        )
        [event] = users.events
        assert event.envelope.event_type == "user.registered"
        assert event.envelope.payload == {"user_id": str(answer.user_id)}
        assert event.aggregate_id == answer.user_id

    async def test_a_taken_address_gets_the_same_answer_and_its_owner_an_event(
        self, registrations: UserRegistrations, users: FakeUsers, credentials: FakeCredentials
    ) -> None:
        first = await registrations.register(wanted(), address="10.0.0.1")
        second = await registrations.register(wanted("ADA@example.org"), address="10.0.0.2")
        assert second.status == first.status
        assert second.user_id != first.user_id
        assert len(users.users) == 1
        assert users.events[1].envelope.event_type == "user.registration.repeated"
        assert users.events[1].envelope.payload == {"user_id": str(first.user_id)}
        assert len(credentials.stored) == 2, "the password is hashed either way"

    async def test_an_address_taken_in_between_is_no_error(
        self, registrations: UserRegistrations, users: FakeUsers
    ) -> None:
        await registrations.register(wanted(), address="10.0.0.1")
        users.hidden.add("ada@example.org")
        await registrations.register(wanted(), address="10.0.0.1")
        assert len(users.users) == 1
        assert users.events[1].envelope.event_type == "user.registration.repeated"

    async def test_other_conflicts_are_not_swallowed(
        self, credentials: FakeCredentials, limit: FakeLimit
    ) -> None:
        class Broken(FakeUsers):
            async def create(self, command: object) -> User:
                raise Conflict(code="command_reused")

        with pytest.raises(Conflict, match="command_reused"):
            await UserRegistrations(Broken(), credentials, limit).register(
                wanted(), address="10.0.0.1"
            )

    async def test_the_terms_have_to_be_accepted(
        self, registrations: UserRegistrations, users: FakeUsers, limit: FakeLimit
    ) -> None:
        with pytest.raises(RuleViolated, match=r"^terms_not_accepted"):
            await registrations.register(wanted(accept_terms=False), address="10.0.0.1")
        assert not users.users
        assert not limit.taken

    async def test_a_closed_limit_stops_everything(
        self, registrations: UserRegistrations, limit: FakeLimit, credentials: FakeCredentials
    ) -> None:
        limit.closed = True
        with pytest.raises(TooManyRequests):
            await registrations.register(wanted(), address="10.0.0.1")
        assert not credentials.stored


class TestCall:
    async def test_answers_202_and_passes_the_correlation_on(
        self, api: AsgiClient, stubs: StubServices
    ) -> None:
        body = {"email": "ada@example.org", "password": PASSWORD, "accept_terms": True}
        reply = await api.post(
            "/api/user-registration", json=body, headers={"X-Correlation-ID": "a-correlation"}
        )
        assert reply.status == 202
        assert reply.json()["status"] == "pending_verification"
        assert reply.headers["x-correlation-id"] == "a-correlation"
        assert stubs.seen_correlation == ["a-correlation"]
        assert stubs.users.events[0].envelope.correlation_id == "a-correlation"

    @pytest.mark.parametrize(
        "change, pointer",
        [
            ({"email": "nobody"}, "/email"),
            ({"email": "a" * 300 + "@example.org"}, "/email"),
            ({"email": "a@example.org\r\nBcc: b@example.org"}, "/email"),
            ({"email": "a\u0000@example.org"}, "/email"),
            ({"password": "short"}, "/password"),
            ({"password": "nul\u0000" * 10}, "/password"),
            ({"accept_terms": "perhaps"}, "/accept_terms"),
            ({"role": "admin"}, "/role"),
        ],
    )
    async def test_refuses_what_is_not_as_agreed_and_names_the_place(
        self, api: AsgiClient, stubs: StubServices, change: dict[str, str], pointer: str
    ) -> None:
        body = {"email": "ada@example.org", "password": PASSWORD, "accept_terms": True}
        reply = await api.post("/api/user-registration", json=body | change)
        assert reply.status == 422
        problem = reply.json()
        assert problem["code"] == "validation_failed"
        errors = problem["errors"]
        assert isinstance(errors, list)
        assert [e["pointer"] for e in errors if isinstance(e, dict)] == [pointer]
        assert PASSWORD not in reply.text
        assert not stubs.users.users
        assert not stubs.credentials.stored

    async def test_outside_development_an_address_is_limited(
        self, environment: pytest.MonkeyPatch, stubs: StubServices
    ) -> None:
        environment.setenv("ENVIRONMENT", "production")
        stubs.tokens_left = 0
        body = {"email": "ada@example.org", "password": PASSWORD, "accept_terms": True}
        async with running(app(connect=in_memory(stubs.apps()))) as client:
            reply = await client.post("/api/user-registration", json=body)
        assert reply.status == 429
        assert reply.headers["retry-after"] == "30"

    async def test_in_development_it_is_not(
        self, environment: pytest.MonkeyPatch, stubs: StubServices
    ) -> None:
        environment.setenv("ENVIRONMENT", "development")
        stubs.tokens_left = 0
        body = {"email": "ada@example.org", "password": PASSWORD, "accept_terms": True}
        async with running(app(connect=in_memory(stubs.apps()))) as client:
            reply = await client.post("/api/user-registration", json=body)
        assert reply.status == 202


class TestLimitWithoutRedis:
    async def test_falls_to_buckets_of_its_own(self, keys: Identities, stubs: StubServices) -> None:
        stubs.limits_down = True
        client = keys.client("back-api", "back-redis", AsgiTransport(stubs.apps()["back-redis"]))
        limit = RedisLimit(client, per_hour=2)
        await limit.take("10.0.0.1")
        await limit.take("10.0.0.1")
        await limit.take("10.0.0.2")
        with pytest.raises(TooManyRequests) as refused:
            await limit.take("10.0.0.1")
        assert refused.value.retry_after == pytest.approx(1800, abs=5)


def test_a_new_user_is_told_apart_from_a_stored_one() -> None:
    new = NewUser(user_id=uuid4(), email="a@example.org", credential_id=uuid4())
    assert (new.role, new.status) == ("user", "pending_verification")
