from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from argon2 import PasswordHasher
from structlog.testing import capture_logs

from features.email_auth.domain import LoginService
from shared.kit.errors import Forbidden, TooManyRequests, Unauthenticated, Unavailable
from shared.models.auth import TokenPair
from shared.models.base import now
from shared.models.user import User, UserStatus
from shared.testing.waiting import until
from tests.conftest import EMAIL, PASSWORD, Stack
from tests.fakes import (
    FakeAccounts,
    FakeAttemptLimit,
    FakeEventPublisher,
    FakePasswords,
    PostgresState,
    RedisState,
)

UNKNOWN = "nobody@example.org"


class OpenedSessions:
    """Opens sessions and remembers whose."""

    def __init__(self) -> None:
        self.opened: list[tuple[UUID, UUID]] = []
        self.then: Callable[[], None] = lambda: None

    async def open(self, user: User, sid: UUID) -> TokenPair:
        self.opened.append((user.id, sid))
        self.then()
        return TokenPair(access_token="access", expires_in=900, refresh_token=f"{sid}.x")


class Login:
    """The domain between fakes."""

    def __init__(self, postgres: PostgresState, redis: RedisState) -> None:
        self.postgres = postgres
        self.passwords = FakePasswords()
        self.sessions = OpenedSessions()
        self.clock: datetime = now()
        self.service = LoginService(
            FakeAccounts(postgres),
            FakeAttemptLimit(redis),
            self.passwords,
            self.sessions,
            FakeEventPublisher(postgres),
            clock=lambda: self.clock,
        )

    def add_user(self, status: UserStatus = "active") -> User:
        return self.postgres.add_user(EMAIL, f"v1:{PASSWORD}", status=status)

    def failures(self) -> list[object]:
        return [event.payload["reason"] for event in self.postgres.published("auth.login.failed")]


@pytest.fixture
def login(postgres: PostgresState, redis: RedisState) -> Login:
    return Login(postgres, redis)


class TestLogIn:
    async def test_opens_a_session_and_leaves_an_event(self, login: Login) -> None:
        user = login.add_user()
        pair = await login.service.log_in(EMAIL, PASSWORD)
        [(user_id, sid)] = login.sessions.opened
        assert user_id == user.id
        assert pair.refresh_token.startswith(str(sid))
        [event] = login.postgres.published("auth.login.succeeded")
        assert event.payload == {"user_id": str(user.id), "sid": str(sid)}

    async def test_is_not_answered_when_its_event_can_not_be_stored(self, login: Login) -> None:
        login.add_user()
        login.sessions.then = lambda: setattr(login.postgres, "down", True)
        with pytest.raises(Unavailable):
            await login.service.log_in(EMAIL, PASSWORD)

    async def test_a_wrong_password_leaves_an_event_and_an_unknown_address_none(
        self, login: Login
    ) -> None:
        user = login.add_user()
        refusals = []
        for email in (EMAIL, UNKNOWN):
            with pytest.raises(Unauthenticated) as refusal:
                await login.service.log_in(email, "wrong")
            refusals.append((refusal.value.code, refusal.value.detail))
        assert refusals == [("invalid_credentials", "The address or the password is wrong.")] * 2
        [event] = login.postgres.published("auth.login.failed")
        assert event.payload == {"user_id": str(user.id), "reason": "wrong_password"}

    @pytest.mark.parametrize("email", [EMAIL, UNKNOWN])
    async def test_checks_one_password_whoever_asks(self, login: Login, email: str) -> None:
        login.add_user()
        with pytest.raises(Unauthenticated):
            await login.service.log_in(email, "wrong")
        assert login.passwords.checks == 1

    async def test_a_refusal_does_not_wait_for_its_event(
        self, login: Login, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        login.add_user()
        find = FakeAccounts.find

        async def find_then_fail(self: FakeAccounts, email: str) -> object:
            found = await find(self, email)
            login.postgres.down = True
            return found

        monkeypatch.setattr(FakeAccounts, "find", find_then_fail)
        with pytest.raises(Unauthenticated):
            await login.service.log_in(EMAIL, "wrong")

    @pytest.mark.parametrize(
        "status, code",
        [
            ("pending_verification", "email_not_verified"),
            ("suspended", "account_suspended"),
        ],
    )
    async def test_says_why_only_to_who_has_the_password(
        self, login: Login, status: UserStatus, code: str
    ) -> None:
        login.add_user(status)
        with pytest.raises(Unauthenticated):
            await login.service.log_in(EMAIL, "wrong")
        with pytest.raises(Forbidden) as refusal:
            await login.service.log_in(EMAIL, PASSWORD)
        assert refusal.value.code == code
        assert login.sessions.opened == []
        assert login.failures() == ["wrong_password", "not_active"]


class TestAttempts:
    @pytest.mark.parametrize("email", [EMAIL, UNKNOWN])
    async def test_ten_wrong_ones_lock_the_address_for_the_right_one_too(
        self, login: Login, email: str
    ) -> None:
        login.add_user()
        for _ in range(10):
            with pytest.raises(Unauthenticated):
                await login.service.log_in(email, "wrong")
        with pytest.raises(TooManyRequests) as refusal:
            await login.service.log_in(email, PASSWORD)
        assert refusal.value.retry_after is not None
        assert 0 < refusal.value.retry_after <= 90
        assert login.passwords.checks == 10

    async def test_a_success_gives_all_attempts_back(self, login: Login) -> None:
        login.add_user()
        for _ in range(2):
            for _ in range(9):
                with pytest.raises(Unauthenticated):
                    await login.service.log_in(EMAIL, "wrong")
            await login.service.log_in(EMAIL, PASSWORD)
        assert len(login.sessions.opened) == 2

    async def test_a_flood_on_a_locked_account_leaves_one_event_a_window(
        self, login: Login
    ) -> None:
        login.add_user()
        for _ in range(10):
            with pytest.raises(Unauthenticated):
                await login.service.log_in(EMAIL, "wrong")
        window = FakeAttemptLimit.WINDOW_SECONDS
        started = datetime.fromtimestamp(1_000 * window, UTC)
        for seconds in (0, 1, window - 1):
            login.clock = started + timedelta(seconds=seconds)
            with pytest.raises(TooManyRequests):
                await login.service.log_in(EMAIL, "wrong")
        assert login.failures().count("too_many_attempts") == 1
        login.clock = started + timedelta(seconds=window)
        with pytest.raises(TooManyRequests):
            await login.service.log_in(EMAIL, "wrong")
        assert login.failures().count("too_many_attempts") == 2

    async def test_another_address_is_not_locked(self, login: Login) -> None:
        login.add_user()
        for _ in range(11):
            with pytest.raises((Unauthenticated, TooManyRequests)):
                await login.service.log_in(UNKNOWN, "wrong")
        assert await login.service.log_in(EMAIL, PASSWORD)


class TestRehash:
    async def test_a_hash_with_old_parameters_is_made_anew(self, login: Login) -> None:
        user = login.add_user()
        login.passwords.parameters = "v2"
        await login.service.log_in(EMAIL, PASSWORD)
        assert login.postgres.hashes[user.id] == f"v2:{PASSWORD}"

    async def test_a_current_hash_is_not_made_again(self, login: Login) -> None:
        login.add_user()
        await login.service.log_in(EMAIL, PASSWORD)
        assert login.passwords.hashed == 0

    async def test_a_login_succeeds_without_it(
        self, login: Login, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = login.add_user()
        login.passwords.parameters = "v2"

        async def refuse(*_: object) -> None:
            raise Unavailable

        monkeypatch.setattr(FakeAccounts, "replace_hash", refuse)
        with capture_logs() as logs:
            assert await login.service.log_in(EMAIL, PASSWORD)
        assert login.postgres.hashes[user.id] == f"v1:{PASSWORD}"
        assert [entry["event"] for entry in logs] == ["rehash_postponed"]


class TestHttp:
    async def test_answers_a_pair_that_no_cache_may_keep(self, stack: Stack) -> None:
        await stack.add_user()
        reply = await stack.log_in()
        assert reply.status == 200
        assert reply.headers["cache-control"] == "no-store"
        body = reply.json()
        assert body.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
        assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)

    async def test_the_address_is_taken_in_any_case(self, stack: Stack) -> None:
        await stack.add_user()
        assert (await stack.log_in(email=f" {EMAIL.upper()} ")).status == 200

    async def test_refusals_look_the_same(self, stack: Stack) -> None:
        await stack.add_user()
        replies = [await stack.log_in(email, "wrong") for email in (EMAIL, UNKNOWN)]
        bodies = [reply.json() for reply in replies]
        for reply, body in zip(replies, bodies, strict=True):
            assert reply.status == 401
            assert reply.headers["content-type"] == "application/problem+json"
            assert body.pop("correlation_id")
        assert bodies[0] == bodies[1]
        assert bodies[0]["code"] == "invalid_credentials"

    async def test_the_eleventh_attempt_is_told_when_to_come_back(self, stack: Stack) -> None:
        await stack.add_user()
        for _ in range(10):
            assert (await stack.log_in(password="wrong")).status == 401
        reply = await stack.log_in()
        assert reply.status == 429
        assert reply.json()["code"] == "too_many_requests"
        assert 1 <= int(reply.headers["retry-after"]) <= 90
        stack.redis.buckets.clear()
        assert (await stack.log_in()).status == 200

    async def test_failed_logins_leave_their_event_soon(self, stack: Stack) -> None:
        await stack.add_user()
        await stack.log_in(password="wrong")
        await until(lambda: bool(stack.postgres.published("auth.login.failed")))

    async def test_the_event_carries_the_correlation_id(self, stack: Stack) -> None:
        await stack.add_user()
        await stack.client.post(
            "/auth/login",
            json={"email": EMAIL, "password": "wrong"},
            headers={"X-Correlation-ID": "correlation-1"},
        )
        await until(lambda: bool(stack.postgres.published("auth.login.failed")))
        assert stack.postgres.published("auth.login.failed")[0].correlation_id == "correlation-1"

    async def test_without_back_redis_attempts_are_counted_here(self, stack: Stack) -> None:
        await stack.add_user()
        with stack.redis.outage():
            statuses = [(await stack.log_in(password="wrong")).status for _ in range(11)]
        assert statuses == [401] * 10 + [429]

    async def test_a_success_needs_no_refill(self, stack: Stack) -> None:
        await stack.add_user()
        stack.redis.refills = False
        assert (await stack.log_in()).status == 200

    async def test_without_back_redis_or_back_postgres_it_is_503(self, stack: Stack) -> None:
        await stack.add_user()
        with stack.redis.outage():
            assert (await stack.log_in()).status == 503
        with stack.postgres.outage():
            assert (await stack.log_in()).status == 503

    async def test_an_outdated_hash_is_replaced(self, stack: Stack) -> None:
        user = await stack.add_user()
        outdated = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD)
        stack.postgres.hashes[user.id] = outdated
        assert (await stack.log_in()).status == 200
        assert stack.postgres.hashes[user.id] != outdated
        assert (await stack.log_in()).status == 200

    @pytest.mark.parametrize(
        "body, status",
        [
            (b"{", 400),
            (b"[]", 422),
            (b'{"email": "ada@example.org"}', 422),
            (b'{"email": "ada@example.org", "password": 7}', 422),
            (b'{"email": "ada@example.org", "password": "x", "role": "admin"}', 422),
            (b'{"email": "ada@example.org\\u0000", "password": "x"}', 422),
            (b'{"email": "ada@example.org", "password": "\\u0000"}', 422),
            (b'{"email": "ada@example.org", "password": "\\ud800"}', 422),
            (b'{"email": "' + b"a" * 300 + b'@example.org", "password": "x"}', 422),
            (b'{"email": "ada@example.org", "password": "' + b"x" * 2_000_000 + b'"}', 413),
            (b'{"email": "x\' OR 1=1 --", "password": "x"}', 422),
        ],
    )
    async def test_bad_input_is_refused_precisely(
        self, stack: Stack, body: bytes, status: int
    ) -> None:
        reply = await stack.client.post(
            "/auth/login", content=body, headers={"Content-Type": "application/json"}
        )
        assert reply.status == status
        assert reply.headers["content-type"] == "application/problem+json"

    async def test_emoji_in_a_password_are_fine(self, stack: Stack) -> None:
        await stack.add_user()
        assert (await stack.log_in(password="🔑" * 20)).status == 401
