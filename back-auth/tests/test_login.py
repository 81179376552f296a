import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from argon2 import PasswordHasher
from structlog.testing import capture_logs

from features.email_auth.attempts import LoginAttempts, LoginLimits
from features.email_auth.domain import LoginService
from services.device_token_service import DeviceTokenService
from services.request_origin import RequestOrigin
from shared.kit.errors import Forbidden, TooManyRequests, Unauthenticated, Unavailable
from shared.kit.http.token_buckets import LocalTokenBuckets
from shared.models.auth import LoginTokens, TokenPair
from shared.models.base import now
from shared.models.user import User, UserStatus
from tests.conftest import EMAIL, PASSWORD, Stack
from tests.fakes import (
    FakeAccounts,
    FakePasswords,
    FakeSecurityEvents,
    FakeTokenBuckets,
    PostgresState,
    RedisState,
)

UNKNOWN = "nobody@example.org"
HOME = "192.0.2.1"
AWAY = "198.51.100.7"
DEVICE = "a browser"
LIMITS = LoginLimits(
    per_account_and_network=10, per_network=50, per_account=100, per_device=10, window_seconds=900
)


class OpenedSessions:
    """Opens sessions and remembers whose."""

    def __init__(self) -> None:
        self.opened: list[tuple[UUID, RequestOrigin]] = []

    async def open(self, user: User, origin: RequestOrigin) -> TokenPair:
        self.opened.append((user.id, origin))
        return TokenPair(access_token="access", expires_in=900, refresh_token="refresh")


class Login:
    """The domain between fakes."""

    def __init__(self, postgres: PostgresState, redis: RedisState) -> None:
        self.postgres = postgres
        self.redis = redis
        self.passwords = FakePasswords()
        self.sessions = OpenedSessions()
        self.clock: datetime = now()
        redis.buckets = LocalTokenBuckets(clock=self.seconds)
        self.service = LoginService(
            FakeAccounts(postgres),
            LoginAttempts(FakeTokenBuckets(redis), LIMITS),
            DeviceTokenService("a key of a test"),
            self.passwords,
            self.sessions,
            FakeSecurityEvents(redis),
            clock=lambda: self.clock,
        )

    def seconds(self) -> float:
        """The clock of the token buckets."""
        return self.clock.timestamp()

    async def log_in(
        self,
        email: str = EMAIL,
        password: str = PASSWORD,
        *,
        network: str = HOME,
        device_token: str | None = None,
    ) -> LoginTokens:
        return await self.service.log_in(
            email, password, RequestOrigin(network, DEVICE), device_token=device_token
        )

    async def fail(self, times: int, email: str = EMAIL, *, network: str = HOME) -> None:
        """Log in with a wrong password; each attempt is refused as such."""
        for _ in range(times):
            with pytest.raises(Unauthenticated):
                await self.log_in(email, "wrong", network=network)

    def add_user(self, status: UserStatus = "active") -> User:
        return self.postgres.add_user(EMAIL, f"v1:{PASSWORD}", status=status)

    def failures(self) -> list[object]:
        return [event.payload["reason"] for event in self.redis.published("auth.login.failed")]


@pytest.fixture
def login(postgres: PostgresState, redis: RedisState) -> Login:
    return Login(postgres, redis)


class TestLogIn:
    async def test_opens_a_session_from_where_it_came(self, login: Login) -> None:
        user = login.add_user()
        assert await login.log_in()
        assert login.sessions.opened == [(user.id, RequestOrigin(HOME, DEVICE))]
        assert login.failures() == []

    async def test_a_wrong_password_leaves_an_event_and_an_unknown_address_a_count(
        self, login: Login
    ) -> None:
        user = login.add_user()
        refusals = []
        for email in (EMAIL, UNKNOWN):
            with pytest.raises(Unauthenticated) as refusal:
                await login.log_in(email, "wrong")
            refusals.append((refusal.value.code, refusal.value.detail))
        assert refusals == [("invalid_credentials", "The address or the password is wrong.")] * 2
        [event] = login.redis.published("auth.login.failed")
        assert event.payload == {
            "user_id": str(user.id),
            "reason": "wrong_password",
            "network": HOME,
            "device": DEVICE,
        }
        assert login.redis.counted == 1

    @pytest.mark.parametrize("email", [EMAIL, UNKNOWN])
    async def test_checks_one_password_whoever_asks(self, login: Login, email: str) -> None:
        login.add_user()
        with pytest.raises(Unauthenticated):
            await login.log_in(email, "wrong")
        assert login.passwords.checks == 1

    @pytest.mark.parametrize("email", [EMAIL, UNKNOWN])
    async def test_no_refusal_is_answered_before_it_is_stored(
        self, login: Login, email: str
    ) -> None:
        login.add_user()
        with login.redis.outage(), pytest.raises(Unavailable):
            await login.log_in(email, "wrong")

    async def test_says_why_only_to_who_has_the_password(self, login: Login) -> None:
        login.add_user("suspended")
        with pytest.raises(Unauthenticated):
            await login.log_in(EMAIL, "wrong")
        with pytest.raises(Forbidden) as refusal:
            await login.log_in()
        assert refusal.value.code == "account_suspended"
        assert login.sessions.opened == []
        assert login.failures() == ["wrong_password", "not_active"]


class TestAttempts:
    @pytest.mark.parametrize("email", [EMAIL, UNKNOWN])
    async def test_ten_wrong_ones_lock_the_account_for_their_network(
        self, login: Login, email: str
    ) -> None:
        login.add_user()
        await login.fail(10, email)
        with pytest.raises(TooManyRequests) as refusal:
            await login.log_in(email)
        assert refusal.value.retry_after == 90
        assert login.passwords.checks == 10

    async def test_another_network_gets_in(self, login: Login) -> None:
        login.add_user()
        await login.fail(10)
        assert await login.log_in(network=AWAY)

    async def test_a_network_that_tries_many_accounts_is_locked(self, login: Login) -> None:
        login.add_user()
        for number in range(50):
            await login.fail(1, f"{number}@example.org")
        with pytest.raises(TooManyRequests):
            await login.log_in()
        assert await login.log_in(network=AWAY)

    @pytest.mark.parametrize("email", [EMAIL, UNKNOWN])
    async def test_an_account_is_locked_for_unknown_devices_after_a_hundred(
        self, login: Login, email: str
    ) -> None:
        login.add_user()
        for number in range(10):
            await login.fail(10, email, network=f"203.0.113.{number}")
        with pytest.raises(TooManyRequests):
            await login.log_in(email)

    async def test_a_refused_attempt_counts_nowhere(self, login: Login) -> None:
        login.add_user()
        await login.fail(10)
        for _ in range(100):
            with pytest.raises(TooManyRequests):
                await login.log_in()
        await login.fail(10, UNKNOWN)
        for number in range(30):
            await login.fail(1, f"{number}@example.org")

    async def test_every_refusal_names_the_same_wait(self, login: Login) -> None:
        login.add_user()
        device = (await login.log_in()).device_token
        waits = set()
        await login.fail(10)
        with pytest.raises(TooManyRequests) as refusal:
            await login.log_in()
        waits.add((refusal.value.retry_after, refusal.value.detail))
        for number in range(40):
            await login.fail(1, f"{number}@example.org")
        for token in (None, device):
            with pytest.raises(TooManyRequests) as refusal:
                await login.log_in("other@example.org", device_token=token)
            waits.add((refusal.value.retry_after, refusal.value.detail))
        assert len(waits) == 1

    async def test_attempts_at_once_are_not_more(
        self, login: Login, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        login.add_user()
        matches, all_taken = FakePasswords.matches, asyncio.Event()

        async def slow(self: FakePasswords, password: str, password_hash: str | None) -> bool:
            await all_taken.wait()
            return await matches(self, password, password_hash)

        monkeypatch.setattr(FakePasswords, "matches", slow)
        attempts = [asyncio.create_task(login.log_in(EMAIL, "wrong")) for _ in range(30)]
        await asyncio.sleep(0)  # noqa: TID251 - lets the other tasks run
        all_taken.set()
        await asyncio.gather(*attempts, return_exceptions=True)
        assert login.passwords.checks == 10

    async def test_a_success_gives_the_attempts_of_account_and_network_back(
        self, login: Login
    ) -> None:
        login.add_user()
        for _ in range(3):
            await login.fail(9)
            await login.log_in()
        assert len(login.sessions.opened) == 3

    async def test_a_success_leaves_what_others_failed_in_the_network(self, login: Login) -> None:
        login.add_user()
        for number in range(49):
            await login.fail(1, f"{number}@example.org")
            await login.log_in()
        await login.fail(1)
        with pytest.raises(TooManyRequests):
            await login.log_in()

    async def test_one_that_was_not_checked_gives_its_tokens_back(self, login: Login) -> None:
        login.add_user()
        login.passwords.busy = True
        for _ in range(60):
            with pytest.raises(Unavailable):
                await login.log_in()
        login.passwords.busy = False
        await login.fail(9)
        assert await login.log_in()

    async def test_a_flood_on_a_locked_account_leaves_one_event_a_window(
        self, login: Login
    ) -> None:
        login.add_user()
        started = datetime.fromtimestamp(1_000_000 * LIMITS.window_seconds, UTC)
        for windows in (0, 1):
            login.clock = started + timedelta(seconds=windows * LIMITS.window_seconds)
            await login.fail(10)
            for seconds in (0, 1, 80):
                login.clock += timedelta(seconds=seconds)
                with pytest.raises(TooManyRequests):
                    await login.log_in(EMAIL, "wrong")
            assert login.failures().count("too_many_attempts") == windows + 1

    async def test_another_address_is_not_locked(self, login: Login) -> None:
        login.add_user()
        await login.fail(10, UNKNOWN)
        assert await login.log_in()


class TestDevices:
    async def test_a_login_answers_a_token_of_its_device(self, login: Login) -> None:
        login.add_user()
        first, second = await login.log_in(), await login.log_in()
        assert len(first.device_token) >= 43
        assert first.device_token != second.device_token
        again = await login.log_in(device_token=first.device_token)
        assert again.device_token == first.device_token

    async def test_a_known_one_passes_the_limits_of_the_account(self, login: Login) -> None:
        login.add_user()
        device = (await login.log_in()).device_token
        await login.fail(10)
        for number in range(9):
            await login.fail(10, network=f"203.0.113.{number}")
        with pytest.raises(TooManyRequests):
            await login.log_in(network=AWAY)
        assert await login.log_in(network=HOME, device_token=device)
        assert await login.log_in(network=AWAY, device_token=device)

    async def test_has_ten_attempts_of_its_own(self, login: Login) -> None:
        login.add_user()
        device = (await login.log_in()).device_token
        for number in range(10):
            with pytest.raises(Unauthenticated):
                await login.log_in(password="wrong", network=f"a{number}", device_token=device)
        with pytest.raises(TooManyRequests):
            await login.log_in(network=AWAY, device_token=device)

    async def test_does_not_pass_the_limit_of_its_network(self, login: Login) -> None:
        login.add_user()
        device = (await login.log_in()).device_token
        for number in range(50):
            await login.fail(1, f"{number}@example.org")
        with pytest.raises(TooManyRequests):
            await login.log_in(device_token=device)

    @pytest.mark.parametrize(
        "change",
        [
            lambda token: "",
            lambda token: "x" * 10_000,
            lambda token: f"{token[:-1]}{'B' if token.endswith('A') else 'A'}",
            lambda token: f"{'A' * 43}.{token.partition('.')[2]}",
            lambda token: token + "\n",
            lambda token: token.partition(".")[0],
        ],
        ids=["empty", "long", "other proof", "other device", "with a line break", "half"],
    )
    async def test_a_token_that_is_none_is_ignored(
        self, login: Login, change: Callable[[str], str]
    ) -> None:
        login.add_user()
        token = change((await login.log_in()).device_token)
        assert (await login.log_in(device_token=token)).device_token != token
        await login.fail(10)
        with pytest.raises(TooManyRequests):
            await login.log_in(device_token=token)

    async def test_one_of_another_account_is_ignored(self, login: Login) -> None:
        login.add_user()
        login.postgres.add_user("eve@example.org", "v1:eve", status="active")
        foreign = (await login.log_in("eve@example.org", "eve")).device_token
        await login.fail(10)
        with pytest.raises(TooManyRequests):
            await login.log_in(device_token=foreign)

    async def test_a_new_password_ends_all_tokens(self, login: Login) -> None:
        user = login.add_user()
        device = (await login.log_in()).device_token
        login.postgres.set_password(user.id, f"v1:{PASSWORD}")
        await login.fail(10)
        with pytest.raises(TooManyRequests):
            await login.log_in(device_token=device)

    async def test_an_hour_of_wrong_passwords_keeps_no_owner_out(self, login: Login) -> None:
        login.add_user()
        device = (await login.log_in()).device_token
        attackers = [f"203.0.113.{number}" for number in range(5)]
        for minute in range(60):
            for network in attackers:
                for _ in range(5):
                    with pytest.raises((Unauthenticated, TooManyRequests)):
                        await login.log_in(password="wrong", network=network)
            assert await login.log_in(
                network=attackers[0] if minute % 2 else HOME, device_token=device
            )
            assert await login.log_in(network=AWAY)
            login.clock += timedelta(minutes=1)
        checked = login.passwords.checks - 1 - 2 * 60
        assert checked <= 5 * (10 + 4 * 10), "ten at once and forty an hour for each network"


class TestRehash:
    async def test_a_hash_with_old_parameters_is_made_anew(self, login: Login) -> None:
        user = login.add_user()
        login.passwords.parameters = "v2"
        await login.log_in()
        assert login.postgres.hashes[user.id] == f"v2:{PASSWORD}"

    async def test_never_overwrites_a_password_that_was_set_meanwhile(
        self, login: Login, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = login.add_user()
        login.passwords.parameters = "v2"
        hashing = FakePasswords.hash

        async def hash_while_the_password_changes(self: FakePasswords, password: str) -> str:
            login.postgres.set_password(user.id, "v2:a new password")
            return await hashing(self, password)

        monkeypatch.setattr(FakePasswords, "hash", hash_while_the_password_changes)
        assert await login.log_in()
        assert login.postgres.hashes[user.id] == "v2:a new password"

    async def test_a_current_hash_is_not_made_again(self, login: Login) -> None:
        login.add_user()
        await login.log_in()
        assert login.passwords.hashed == 0

    async def test_a_login_succeeds_without_it(
        self, login: Login, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = login.add_user()
        login.passwords.parameters = "v2"

        async def refuse(*_: object) -> None:
            raise Unavailable

        monkeypatch.setattr(FakeAccounts, "rehash", refuse)
        with capture_logs() as logs:
            assert await login.log_in()
        assert login.postgres.hashes[user.id] == f"v1:{PASSWORD}"
        assert [entry["event"] for entry in logs] == ["rehash_postponed"]


class TestHttp:
    async def test_answers_a_pair_that_no_cache_may_keep(self, stack: Stack) -> None:
        await stack.add_user()
        reply = await stack.log_in()
        assert reply.status == 200
        assert reply.headers["cache-control"] == "no-store"
        body = reply.json()
        assert body.keys() == {
            "access_token",
            "token_type",
            "expires_in",
            "refresh_token",
            "device_token",
        }
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
        assert reply.headers["retry-after"] == "90"
        stack.redis.buckets.clear()
        assert (await stack.log_in()).status == 200

    async def test_attempts_are_counted_for_the_network_that_the_gateway_names(
        self, stack: Stack
    ) -> None:
        await stack.add_user()
        for _ in range(11):
            reply = await stack.log_in(password="wrong", network="2001:db8::1")
        assert reply.status == 429
        assert (await stack.log_in(network="2001:db8::2")).status == 429, "the same /64"
        assert (await stack.log_in(network="2001:db8:0:1::1")).status == 200

    async def test_a_device_token_is_taken_from_its_header(self, stack: Stack) -> None:
        await stack.add_user()
        device = str((await stack.log_in()).json()["device_token"])
        for _ in range(10):
            assert (await stack.log_in(password="wrong")).status == 401
        assert (await stack.log_in()).status == 429
        assert (await stack.log_in(device_token=device)).status == 200
        assert (await stack.log_in(device_token="nonsense")).status == 429

    async def test_events_tell_the_network_and_the_device(self, stack: Stack) -> None:
        await stack.add_user()
        for password in ("wrong", PASSWORD):
            await stack.client.post(
                "/auth/login",
                json={"email": EMAIL, "password": password},
                headers={"X-Real-IP": "2001:db8::7", "User-Agent": "a\tbrowser " + "x" * 300},
            )
        for event_type in ("auth.login.failed", "auth.login.succeeded"):
            [event] = stack.redis.published(event_type)
            assert event.payload["network"] == "2001:db8::/64"
            assert event.payload["device"] == "a browser " + "x" * 190

    async def test_the_event_carries_the_correlation_id(self, stack: Stack) -> None:
        await stack.add_user()
        await stack.client.post(
            "/auth/login",
            json={"email": EMAIL, "password": "wrong"},
            headers={"X-Correlation-ID": "correlation-1"},
        )
        [event] = stack.redis.published("auth.login.failed")
        assert event.correlation_id == "correlation-1"

    async def test_without_back_redis_attempts_are_counted_here(self, stack: Stack) -> None:
        await stack.add_user()
        with stack.redis.outage():
            statuses = [(await stack.log_in(password="wrong")).status for _ in range(11)]
        # A wrong password can not be stored, and must not be told apart from a right one.
        assert statuses == [503] * 10 + [429]

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
