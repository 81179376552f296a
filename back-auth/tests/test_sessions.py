import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from features.sessions.domain import SessionService
from shared.kit.errors import Unauthenticated, Unavailable
from shared.models.user import User
from shared.testing.waiting import until
from tests.conftest import EMAIL, Stack, bearer
from tests.fakes import FakeEventPublisher, FakeSessions, FakeUsers, PostgresState, RedisState


class PlainTokens:
    """Access tokens that can be read."""

    expires_in = 900

    def issue(self, user: User, sid: UUID) -> str:
        return f"{user.role}/{sid}"


@pytest.fixture
def service(postgres: PostgresState, redis: RedisState) -> SessionService:
    return SessionService(
        FakeSessions(redis),
        FakeUsers(postgres),
        PlainTokens(),
        FakeEventPublisher(postgres),
        refresh_seconds=int(timedelta(days=7).total_seconds()),
    )


@pytest.fixture
def user(postgres: PostgresState) -> User:
    return postgres.add_user(EMAIL, "hash", status="active")


class TestOpen:
    async def test_the_refresh_token_names_its_session_and_only_its_hash_is_kept(
        self, service: SessionService, user: User, redis: RedisState
    ) -> None:
        sid = uuid4()
        pair = await service.open(user, sid)
        assert pair.refresh_token.startswith(f"{sid}.")
        assert len(pair.refresh_token.partition(".")[2]) == 43
        assert pair.refresh_token not in str(redis)
        assert pair.expires_in == 900


class TestRefresh:
    async def test_gives_a_new_pair_for_the_same_session(
        self, service: SessionService, user: User
    ) -> None:
        sid = uuid4()
        first = await service.open(user, sid)
        second = await service.refresh(first.refresh_token)
        assert second.refresh_token != first.refresh_token
        assert second.access_token == f"user/{sid}"
        assert (await service.refresh(second.refresh_token)).refresh_token

    async def test_reads_the_role_afresh(
        self, service: SessionService, user: User, postgres: PostgresState
    ) -> None:
        pair = await service.open(user, uuid4())
        postgres.change(user, role="admin")
        assert (await service.refresh(pair.refresh_token)).access_token.startswith("admin/")

    async def test_a_token_used_twice_ends_the_session_and_leaves_an_event(
        self, service: SessionService, user: User, postgres: PostgresState, redis: RedisState
    ) -> None:
        sid = uuid4()
        first = await service.open(user, sid)
        second = await service.refresh(first.refresh_token)

        with (
            capture_logs() as logs,
            pytest.raises(Unauthenticated, match="refresh_token_invalid"),
        ):
            await service.refresh(first.refresh_token)

        warnings = [entry for entry in logs if entry["log_level"] == "warning"]
        assert warnings == [
            {
                "event": "refresh_token_reused",
                "log_level": "warning",
                "user_id": str(user.id),
                "sid": str(sid),
            }
        ]
        with pytest.raises(Unauthenticated, match="refresh_token_invalid"):
            await service.refresh(second.refresh_token)
        assert not redis.sessions[sid].active
        [event] = postgres.published("auth.refresh.reused")
        assert event.payload == {"user_id": str(user.id), "sid": str(sid)}

    async def test_of_two_at_once_one_wins_and_the_family_ends(
        self, service: SessionService, user: User, redis: RedisState
    ) -> None:
        sid = uuid4()
        pair = await service.open(user, sid)
        results = await asyncio.gather(
            service.refresh(pair.refresh_token),
            service.refresh(pair.refresh_token),
            return_exceptions=True,
        )
        assert sum(isinstance(result, Unauthenticated) for result in results) == 1
        assert not redis.sessions[sid].active

    async def test_a_user_who_may_no_longer_log_in_loses_the_session(
        self,
        service: SessionService,
        user: User,
        postgres: PostgresState,
        redis: RedisState,
    ) -> None:
        sid = uuid4()
        pair = await service.open(user, sid)
        postgres.users[user.id] = user.model_copy(update={"status": "suspended"})
        with pytest.raises(Unauthenticated, match="refresh_token_invalid"):
            await service.refresh(pair.refresh_token)
        assert not redis.sessions[sid].active

    async def test_a_user_who_is_gone_loses_the_session(
        self, service: SessionService, user: User, postgres: PostgresState, redis: RedisState
    ) -> None:
        sid = uuid4()
        pair = await service.open(user, sid)
        del postgres.users[user.id]
        with pytest.raises(Unauthenticated, match="refresh_token_invalid"):
            await service.refresh(pair.refresh_token)
        assert not redis.sessions[sid].active

    async def test_an_outage_before_the_trade_spends_nothing(
        self, service: SessionService, user: User, postgres: PostgresState
    ) -> None:
        pair = await service.open(user, uuid4())
        with postgres.outage(), pytest.raises(Unavailable):
            await service.refresh(pair.refresh_token)
        assert await service.refresh(pair.refresh_token)

    async def test_a_guess_is_refused_and_leaves_the_session_alone(
        self, service: SessionService, user: User, postgres: PostgresState
    ) -> None:
        sid = uuid4()
        pair = await service.open(user, sid)
        with pytest.raises(Unauthenticated, match="refresh_token_invalid"):
            await service.refresh(f"{sid}.{'x' * 43}")
        assert await service.refresh(pair.refresh_token)
        assert postgres.published("auth.refresh.reused") == []

    @pytest.mark.parametrize(
        "token",
        [
            "",
            "x",
            "." + "x" * 43,
            f"{uuid4()}",
            f"{uuid4()}.short",
            f"{str(uuid4()).upper()}.{'x' * 43}",
            f"{uuid4()}.{'x' * 43}",
            f"{uuid4()}.{'x' * 43}\n",
        ],
    )
    async def test_what_is_no_token_of_ours_is_refused_alike(
        self, service: SessionService, token: str
    ) -> None:
        with pytest.raises(Unauthenticated, match="refresh_token_invalid"):
            await service.refresh(token)


class TestLogOut:
    async def test_ends_the_session_and_leaves_one_event(
        self, service: SessionService, user: User, postgres: PostgresState, redis: RedisState
    ) -> None:
        sid = uuid4()
        pair = await service.open(user, sid)
        await service.log_out(user.id, sid)
        await service.log_out(user.id, sid)
        assert not redis.sessions[sid].active
        assert len(postgres.published("auth.logout")) == 1
        with pytest.raises(Unauthenticated):
            await service.refresh(pair.refresh_token)

    async def test_works_while_back_postgres_is_down(
        self, service: SessionService, user: User, postgres: PostgresState, redis: RedisState
    ) -> None:
        sid = uuid4()
        await service.open(user, sid)
        with postgres.outage():
            await service.log_out(user.id, sid)
        assert not redis.sessions[sid].active


class TestHttp:
    async def test_refresh_rotates(self, stack: Stack) -> None:
        await stack.add_user()
        _, token = await stack.tokens()
        reply = await stack.refresh(token)
        assert reply.status == 200
        assert reply.headers["cache-control"] == "no-store"
        assert reply.json()["refresh_token"] != token
        again = await stack.refresh(token)
        assert again.status == 401
        assert again.json()["code"] == "refresh_token_invalid"
        await until(lambda: bool(stack.postgres.published("auth.refresh.reused")))

    async def test_every_refusal_has_the_same_body(self, stack: Stack) -> None:
        user = await stack.add_user()
        _, spent = await stack.tokens()
        await stack.refresh(spent)
        _, suspended = await stack.tokens()
        stack.postgres.change(user, status="suspended")
        bodies = []
        for token in ("nonsense", f"{uuid4()}.{'x' * 43}", suspended, spent):
            body = (await stack.refresh(token)).json()
            body.pop("correlation_id")
            bodies.append(body)
        assert all(body == bodies[0] for body in bodies)

    async def test_with_back_redis_down_it_is_503_and_the_token_stays_good(
        self, stack: Stack
    ) -> None:
        await stack.add_user()
        _, token = await stack.tokens()
        with stack.redis.outage():
            reply = await stack.refresh(token)
        assert reply.status == 503
        assert reply.headers["retry-after"]
        assert (await stack.refresh(token)).status == 200

    async def test_after_logout_the_access_token_is_refused(self, stack: Stack) -> None:
        await stack.add_user()
        access, refresh = await stack.tokens()
        reply = await stack.client.post("/auth/logout", headers=bearer(access))
        assert (reply.status, reply.body) == (204, b"")
        assert (await stack.refresh(refresh)).status == 401
        await until(lambda: bool(stack.postgres.published("auth.logout")))

        async def refused() -> bool:
            ticket = await stack.client.post("/auth/ws-ticket", headers=bearer(access))
            return ticket.status == 401 and ticket.json()["code"] == "session_revoked"

        await until(refused, within=1)

    async def test_with_the_stream_silent_back_redis_is_asked_and_then_it_is_503(
        self, stack: Stack
    ) -> None:
        await stack.add_user()
        access, _ = await stack.tokens()

        async def nobody_can_tell() -> bool:
            reply = await stack.client.post("/auth/logout", headers=bearer(access))
            assert reply.status == 503
            return "session is still active" in reply.text

        with stack.redis.outage():
            await until(nobody_can_tell, within=3)

    async def test_other_services_may_ask_whether_a_session_stands(self, stack: Stack) -> None:
        user = await stack.add_user()
        _, refresh = await stack.tokens()
        sid = refresh.partition(".")[0]
        headers = stack.keys.assertion(caller="back-websockets", to="back-auth")
        reply = await stack.client.get(f"/internal/sessions/{sid}", headers=headers)
        assert reply.json() == {"sid": sid, "user_id": str(user.id), "active": True}

        unknown = await stack.client.get(f"/internal/sessions/{uuid4()}", headers=headers)
        assert unknown.json()["active"] is False
        with stack.redis.outage():
            reply = await stack.client.get(f"/internal/sessions/{sid}", headers=headers)
        assert reply.status == 503

    async def test_nobody_else_may_ask(self, stack: Stack) -> None:
        path = f"/internal/sessions/{uuid4()}"
        assert (await stack.client.get(path)).status == 401
        headers = stack.keys.assertion(caller="back-workers", to="back-auth")
        assert (await stack.client.get(path, headers=headers)).status == 403
