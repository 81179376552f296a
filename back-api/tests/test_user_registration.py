"""Registration: the rules and the endpoint."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from fakes import FakeCredentials, FakeLimit, FakeRegistrations
from stub_services import StubServices

from features.user_registration.domain import UserRegistrations
from features.user_registration.infrastructure import RedisLimit
from main import app
from settings import Settings
from shared.kit.errors import RuleViolated, TooManyRequests
from shared.models.registration import UserRegistration
from shared.testing.asgi_client import AsgiClient, in_memory, running
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities

PASSWORD = "correct horse battery"
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def wanted(email: str = "Ada@Example.org", *, accept_terms: bool = True) -> UserRegistration:
    return UserRegistration(email=email, password=PASSWORD, accept_terms=accept_terms)


class TestRegister:
    @pytest.fixture
    def store(self) -> FakeRegistrations:
        return FakeRegistrations()

    @pytest.fixture
    def credentials(self) -> FakeCredentials:
        return FakeCredentials()

    @pytest.fixture
    def limit(self) -> FakeLimit:
        return FakeLimit()

    @pytest.fixture
    def registrations(
        self, store: FakeRegistrations, credentials: FakeCredentials, limit: FakeLimit
    ) -> UserRegistrations:
        return UserRegistrations(
            store,
            credentials,
            limit,
            terms_version="2026-11",
            expires_in=timedelta(days=2),
            clock=lambda: NOON,
        )

    async def test_stores_what_the_user_will_be_made_of_and_leaves_an_event(
        self,
        registrations: UserRegistrations,
        store: FakeRegistrations,
        credentials: FakeCredentials,
    ) -> None:
        answer = await registrations.register(wanted(), network="192.0.2.1")
        stored = store.stored[answer.user_id]
        assert stored.model_dump(exclude={"user_id"}) == {
            "email": "ada@example.org",
            "credential_id": next(iter(credentials.stored)),
            "terms_version": "2026-11",
            "terms_accepted_at": NOON,
            "network": "192.0.2.1",
            "expires_at": NOON + timedelta(days=2),
        }
        [event] = store.events
        assert event.envelope.event_type == "user.registered"
        assert event.envelope.payload == {"user_id": str(answer.user_id)}
        assert event.aggregate_id == answer.user_id

    async def test_an_address_may_be_registered_again_with_a_password_of_its_own(
        self,
        registrations: UserRegistrations,
        store: FakeRegistrations,
        credentials: FakeCredentials,
    ) -> None:
        answers = [await registrations.register(wanted(), network="192.0.2.1") for _ in range(2)]
        assert len({answer.user_id for answer in answers}) == 2
        assert {it.credential_id for it in store.stored.values()} == credentials.stored.keys()

    async def test_the_terms_have_to_be_accepted(
        self, registrations: UserRegistrations, store: FakeRegistrations, limit: FakeLimit
    ) -> None:
        with pytest.raises(RuleViolated, match=r"^terms_not_accepted"):
            await registrations.register(wanted(accept_terms=False), network="192.0.2.1")
        assert not store.stored
        assert not limit.taken

    async def test_a_closed_limit_stops_everything(
        self, registrations: UserRegistrations, limit: FakeLimit, credentials: FakeCredentials
    ) -> None:
        limit.closed = True
        with pytest.raises(TooManyRequests):
            await registrations.register(wanted(), network="192.0.2.1")
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
        assert stubs.registrations.events[0].envelope.correlation_id == "a-correlation"

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
        assert not stubs.registrations.stored
        assert not stubs.credentials.stored

    async def test_a_refusal_of_the_limit_says_when_to_come_back(
        self, environment: pytest.MonkeyPatch, stubs: StubServices
    ) -> None:
        stubs.tokens_left = 0
        body = {"email": "ada@example.org", "password": PASSWORD, "accept_terms": True}
        async with running(app(connect=in_memory(stubs.apps()))) as client:
            reply = await client.post("/api/user-registration", json=body)
        assert reply.status == 429
        assert reply.headers["retry-after"] == "30"
        assert not stubs.credentials.stored


class TestLimit:
    """The limit in this process, which has the rules of that in back-redis."""

    @pytest.fixture
    def limit(
        self, environment: pytest.MonkeyPatch, keys: Identities, stubs: StubServices
    ) -> RedisLimit:
        environment.setenv("ENVIRONMENT", "production")
        stubs.limits_down = True
        client = keys.client("back-api", "back-redis", AsgiTransport(stubs.apps()["back-redis"]))
        return RedisLimit(client, Settings())

    async def test_a_network_registers_an_address_three_times_an_hour(
        self, limit: RedisLimit
    ) -> None:
        for _ in range(3):
            await limit.take("ada@example.org", "192.0.2.1")
        with pytest.raises(TooManyRequests) as refused:
            await limit.take("ada@example.org", "192.0.2.1")
        assert refused.value.retry_after == pytest.approx(1200, abs=5)

    async def test_a_stranger_elsewhere_leaves_the_owner_of_an_address_the_owners_own(
        self, limit: RedisLimit
    ) -> None:
        for _ in range(10):
            with suppress(TooManyRequests):
                await limit.take("ada@example.org", "192.0.2.1")
        await limit.take("ada@example.org", "198.51.100.1")

    async def test_an_address_is_registered_twenty_times_an_hour_from_anywhere(
        self, limit: RedisLimit
    ) -> None:
        for host in range(20):
            await limit.take("ada@example.org", f"192.0.2.{host}")
        with pytest.raises(TooManyRequests):
            await limit.take("ada@example.org", "198.51.100.1")

    async def test_a_network_registers_twenty_addresses_an_hour(self, limit: RedisLimit) -> None:
        for number in range(20):
            await limit.take(f"ada{number}@example.org", "192.0.2.1")
        with pytest.raises(TooManyRequests):
            await limit.take("ada@example.org", "192.0.2.1")
        await limit.take("ada@example.org", "192.0.2.2")

    async def test_in_development_a_network_is_not_limited(
        self, environment: pytest.MonkeyPatch, limit: RedisLimit
    ) -> None:
        environment.setenv("ENVIRONMENT", "development")
        limit._settings = Settings()
        for number in range(30):
            await limit.take(f"ada{number}@example.org", "192.0.2.1")
