"""Every consumer's pact with back-auth: its answers and its events, over stub services."""

from pathlib import Path
from uuid import UUID

import pytest

from shared.models.base import Internal
from shared.models.event import EventEnvelope
from shared.models.user import User
from shared.testing.pacts import NotKept, Provider
from shared.testing.pacts.document import pact_file
from shared.testing.pacts.provider import Parameters, pacts_of
from shared.testing.waiting import until
from tests.conftest import Stack, bearer
from tests.fakes import StoredSession


class States:
    """Sets the state of the stub services."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    async def user(self, given: Parameters) -> None:
        user = User.model_validate({**given, "version": 1, "created_at": "2026-01-01T12:00:00Z"})
        self._stack.postgres.users[user.id] = user

    async def session(self, given: Parameters, *, active: bool = True) -> None:
        self._stack.redis.sessions[UUID(str(given["sid"]))] = StoredSession(
            UUID(str(given["user_id"])), "1a" * 32, active=active
        )

    async def ended_session(self, given: Parameters) -> None:
        await self.session(given, active=False)


class Published:
    """Each event as the service publishes it after the matching action of a user."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    async def user_verified(self) -> EventEnvelope:
        stack = self._stack
        user = await stack.add_user(status="pending_verification")
        minted = await stack.client.post(
            "/internal/mail-tokens",
            json={"user_id": str(user.id), "purpose": "verify_email"},
            headers=stack.keys.assertion(caller="back-workers", to="back-auth"),
        )
        await stack.client.post("/auth/verify-email", json={"token": minted.json()["token"]})
        return await self._published("user.verified")

    async def login_succeeded(self) -> EventEnvelope:
        await self._stack.add_user()
        await self._stack.log_in()
        return await self._published("auth.login.succeeded")

    async def login_failed(self) -> EventEnvelope:
        await self._stack.add_user()
        await self._stack.log_in(password="wrong")
        return await self._published("auth.login.failed")

    async def logout(self) -> EventEnvelope:
        await self._stack.add_user()
        access, _ = await self._stack.tokens()
        await self._stack.client.post("/auth/logout", headers=bearer(access))
        return await self._published("auth.logout")

    async def refresh_reused(self) -> EventEnvelope:
        await self._stack.add_user()
        _, refresh = await self._stack.tokens()
        await self._stack.refresh(refresh)
        await self._stack.refresh(refresh)
        return await self._published("auth.refresh.reused")

    async def _published(self, event_type: str) -> EventEnvelope:
        await until(lambda: bool(self._stack.postgres.published(event_type)))
        return self._stack.postgres.published(event_type)[-1]


@pytest.fixture
async def provider(stack: Stack) -> Provider:
    states, published = States(stack), Published(stack)

    async def clean() -> None:
        stack.postgres.users.clear()
        stack.redis.sessions.clear()

    return Provider(
        "back-auth",
        app=stack.app,
        keys=stack.keys,
        states={
            "a user exists": states.user,
            "a session stands": states.session,
            "a session has ended": states.ended_session,
        },
        messages={
            "user.verified": published.user_verified,
            "auth.login.succeeded": published.login_succeeded,
            "auth.login.failed": published.login_failed,
            "auth.logout": published.logout,
            "auth.refresh.reused": published.refresh_reused,
        },
        clean=clean,
    )


@pytest.mark.parametrize("pact", pacts_of("back-auth"), ids=lambda path: path.stem)
async def test_keeps(provider: Provider, pact: Path) -> None:
    await provider.keeps(pact)


class SessionOfNobody(Internal):
    """A session without its user."""

    sid: UUID
    active: bool


@pytest.fixture
def with_one_field_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.token_verification.api.Session", SessionOfNobody)


@pytest.mark.usefixtures("with_one_field_less")
@pytest.mark.parametrize("consumer", ["back-api", "back-websockets"])
async def test_an_answer_with_one_field_less_is_noticed(provider: Provider, consumer: str) -> None:
    with pytest.raises(NotKept, match="missing the following keys: user_id"):
        await provider.keeps(pact_file(consumer, "back-auth"))
