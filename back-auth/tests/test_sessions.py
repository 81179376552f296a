import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from features.sessions.domain import SessionService
from services.request_origin import RequestOrigin
from shared.kit.errors import Unauthenticated, Unavailable
from shared.models.auth import OpenSessions, TokenPair
from shared.models.event import NewEvent
from shared.models.user import User
from shared.testing.waiting import until
from tests.conftest import EMAIL, Stack, bearer
from tests.fakes import FakeSessions, FakeUsers, PostgresState, RedisState

ORIGIN = RequestOrigin("192.0.2.7", "a browser")


class PlainTokens:
    """Access tokens that can be read."""

    expires_in = 900

    def issue(self, user: User, sid: UUID, *, token_id: UUID, issued_at: datetime) -> str:
        return f"{user.role}/{sid}/{token_id}/{issued_at.isoformat()}"


def service_with(postgres: PostgresState, redis: RedisState, keys: Sequence[str]) -> SessionService:
    return SessionService(
        FakeSessions(redis),
        FakeUsers(postgres),
        PlainTokens(),
        refresh_keys=keys,
        refresh_seconds=int(timedelta(days=7).total_seconds()),
    )


@pytest.fixture
def service(postgres: PostgresState, redis: RedisState) -> SessionService:
    return service_with(postgres, redis, ["a key"])


@pytest.fixture
def user(postgres: PostgresState) -> User:
    return postgres.add_user(EMAIL, "hash", status="active")


def sid_of(pair: TokenPair) -> UUID:
    return UUID(pair.refresh_token.partition(".")[0])


class TestOpen:
    async def test_the_refresh_token_names_its_session_and_only_its_hash_is_kept(
        self, service: SessionService, user: User, redis: RedisState
    ) -> None:
        pair = await service.open(user, ORIGIN)
        sid = sid_of(pair)
        assert redis.sessions.keys() == {sid}
        assert len(pair.refresh_token.partition(".")[2]) == 43
        assert pair.refresh_token not in str(redis)
        assert pair.expires_in == 900

    async def test_keeps_where_it_was_opened_and_leaves_an_event(
        self, service: SessionService, user: User, redis: RedisState
    ) -> None:
        sid = sid_of(await service.open(user, ORIGIN))
        stored = redis.sessions[sid].new
        assert (stored.network, stored.device, stored.generation) == ("192.0.2.7", "a browser", 1)
        [event] = redis.published("auth.login.succeeded")
        assert event.payload == {
            "user_id": str(user.id),
            "sid": str(sid),
            "network": "192.0.2.7",
            "device": "a browser",
        }

    async def test_a_user_who_changed_meanwhile_gets_no_tokens(
        self, service: SessionService, user: User, redis: RedisState
    ) -> None:
        redis.revoke_generations(user.id, 2)
        with pytest.raises(Unavailable):
            await service.open(user, ORIGIN)
        assert redis.published("auth.login.succeeded") == []


class TestRefresh:
    async def test_gives_a_new_pair_for_the_same_session(
        self, service: SessionService, user: User
    ) -> None:
        first = await service.open(user, ORIGIN)
        second = await service.refresh(first.refresh_token)
        assert second.refresh_token != first.refresh_token
        assert second.access_token.startswith(f"user/{sid_of(first)}/")
        assert (await service.refresh(second.refresh_token)).refresh_token

    async def test_two_at_once_and_a_repeat_get_the_same_pair(
        self, service: SessionService, user: User, redis: RedisState
    ) -> None:
        pair = await service.open(user, ORIGIN)
        first, second = await asyncio.gather(
            service.refresh(pair.refresh_token), service.refresh(pair.refresh_token)
        )
        redis.later = timedelta(seconds=29)
        third = await service.refresh(pair.refresh_token)
        assert first == second == third
        assert first.refresh_token not in str(redis)
        assert pair.refresh_token not in str(redis)
        assert await service.refresh(first.refresh_token)

    @pytest.mark.parametrize("how", ["its successor was used", "half a minute passed"])
    async def test_a_token_used_again_later_ends_the_session_and_leaves_an_event(
        self, service: SessionService, user: User, redis: RedisState, how: str
    ) -> None:
        first = await service.open(user, ORIGIN)
        sid = sid_of(first)
        latest = await service.refresh(first.refresh_token)
        if how == "its successor was used":
            latest = await service.refresh(latest.refresh_token)
        else:
            redis.later = timedelta(seconds=31)

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
            await service.refresh(latest.refresh_token)
        assert redis.sessions[sid].revoked
        [event] = redis.published("auth.refresh.reused")
        assert event.payload == {"user_id": str(user.id), "sid": str(sid)}

    async def test_a_repeat_gets_the_same_pair_while_the_key_is_replaced(
        self, user: User, postgres: PostgresState, redis: RedisState
    ) -> None:
        old, both, swapped = (
            service_with(postgres, redis, keys)
            for keys in (["old"], ["old", "new"], ["new", "old"])
        )
        pair = await old.open(user, ORIGIN)
        for answers, repeats in ((old, both), (both, swapped), (swapped, both)):
            following = await answers.refresh(pair.refresh_token)
            assert await repeats.refresh(pair.refresh_token) == following
            pair = following

    async def test_a_changed_role_ends_the_session(
        self, service: SessionService, user: User, postgres: PostgresState, redis: RedisState
    ) -> None:
        pair = await service.open(user, ORIGIN)
        postgres.change(user, role="admin")
        with pytest.raises(Unauthenticated, match="refresh_token_invalid"):
            await service.refresh(pair.refresh_token)
        assert redis.sessions[sid_of(pair)].revoked
        again = await service.open(postgres.users[user.id], ORIGIN)
        assert (await service.refresh(again.refresh_token)).access_token.startswith("admin/")

    async def test_a_user_who_may_no_longer_log_in_loses_the_session(
        self,
        service: SessionService,
        user: User,
        postgres: PostgresState,
        redis: RedisState,
    ) -> None:
        pair = await service.open(user, ORIGIN)
        postgres.users[user.id] = user.model_copy(update={"status": "suspended"})
        with pytest.raises(Unauthenticated, match="refresh_token_invalid"):
            await service.refresh(pair.refresh_token)
        assert redis.sessions[sid_of(pair)].revoked

    async def test_a_user_who_is_gone_loses_the_session(
        self, service: SessionService, user: User, postgres: PostgresState, redis: RedisState
    ) -> None:
        pair = await service.open(user, ORIGIN)
        del postgres.users[user.id]
        with pytest.raises(Unauthenticated, match="refresh_token_invalid"):
            await service.refresh(pair.refresh_token)
        assert redis.sessions[sid_of(pair)].revoked

    async def test_an_outage_before_the_trade_spends_nothing(
        self, service: SessionService, user: User, postgres: PostgresState
    ) -> None:
        pair = await service.open(user, ORIGIN)
        with postgres.outage(), pytest.raises(Unavailable):
            await service.refresh(pair.refresh_token)
        assert await service.refresh(pair.refresh_token)

    async def test_a_guess_is_refused_and_leaves_the_session_alone(
        self, service: SessionService, user: User, redis: RedisState
    ) -> None:
        pair = await service.open(user, ORIGIN)
        with pytest.raises(Unauthenticated, match="refresh_token_invalid"):
            await service.refresh(f"{sid_of(pair)}.{'x' * 43}")
        assert await service.refresh(pair.refresh_token)
        assert redis.published("auth.refresh.reused") == []

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
        self, service: SessionService, user: User, redis: RedisState
    ) -> None:
        pair = await service.open(user, ORIGIN)
        sid = sid_of(pair)
        for _ in range(2):
            await service.log_out(user.id, sid)
        assert redis.sessions[sid].revoked
        [event] = redis.published("auth.logout")
        assert event.payload == {
            "user_id": str(user.id),
            "sid": str(sid),
            "by_sid": str(sid),
        }
        with pytest.raises(Unauthenticated):
            await service.refresh(pair.refresh_token)

    async def test_is_stored_while_back_postgres_is_down(
        self, service: SessionService, user: User, postgres: PostgresState, redis: RedisState
    ) -> None:
        sid = sid_of(await service.open(user, ORIGIN))
        with postgres.outage():
            await service.log_out(user.id, sid)
        assert redis.sessions[sid].revoked
        assert len(redis.published("auth.logout")) == 1


class TestHttp:
    async def test_two_refreshes_at_once_answer_the_same_bytes(self, stack: Stack) -> None:
        await stack.add_user()
        _, token = await stack.tokens()
        first, second = await asyncio.gather(stack.refresh(token), stack.refresh(token))
        assert (first.status, second.status) == (200, 200)
        assert first.body == second.body
        assert first.headers["cache-control"] == "no-store"
        following = first.json()["refresh_token"]
        assert following != token
        assert (await stack.refresh(str(following))).status == 200
        again = await stack.refresh(token)
        assert again.status == 401
        assert again.json()["code"] == "refresh_token_invalid"
        assert len(stack.redis.published("auth.refresh.reused")) == 1

    async def test_every_refusal_has_the_same_body(self, stack: Stack) -> None:
        user = await stack.add_user()
        _, spent = await stack.tokens()
        following = (await stack.refresh(spent)).json()["refresh_token"]
        await stack.refresh(str(following))
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
        assert len(stack.redis.published("auth.logout")) == 1

        async def refused() -> bool:
            ticket = await stack.client.post("/auth/ws-ticket", headers=bearer(access))
            return ticket.status == 401 and ticket.json()["code"] == "session_revoked"

        await until(refused)

    async def test_after_a_revoked_generation_its_access_tokens_are_refused(
        self, stack: Stack
    ) -> None:
        user = await stack.add_user()
        before, _ = await stack.tokens()
        stack.postgres.change(user, role="admin")
        stack.redis.revoke_generations(user.id, 2)
        after, _ = await stack.tokens()

        async def refused() -> bool:
            ticket = await stack.client.post("/auth/ws-ticket", headers=bearer(before))
            return ticket.status == 401 and ticket.json()["code"] == "session_revoked"

        await until(refused)
        ticket = await stack.client.post("/auth/ws-ticket", headers=bearer(after))
        assert ticket.status == 201

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
            await until(nobody_can_tell)

    async def test_other_services_may_ask_whether_a_session_stands(self, stack: Stack) -> None:
        user = await stack.add_user()
        _, refresh = await stack.tokens()
        sid = refresh.partition(".")[0]
        headers = stack.keys.assertion(caller="back-websockets", to="back-auth")
        reply = await stack.client.get(f"/internal/sessions/{sid}", headers=headers)
        body = reply.json()
        assert (body["sid"], body["user_id"], body["active"]) == (sid, str(user.id), True)
        assert body["expires_at"]

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


class TestSessionsOfTheUser:
    async def test_are_listed_with_the_current_one_marked(self, stack: Stack) -> None:
        await stack.add_user()
        access, refresh = await stack.tokens()
        await stack.log_in(network="198.51.100.7")
        reply = await stack.client.get("/auth/sessions", headers=bearer(access))
        assert reply.status == 200
        newest, current = OpenSessions.model_validate_json(reply.body).items
        assert (newest.network, newest.current) == ("198.51.100.7", False)
        assert (str(current.id), current.current) == (refresh.partition(".")[0], True)

    async def test_one_ends_at_once(self, stack: Stack) -> None:
        await stack.add_user()
        access, _ = await stack.tokens()
        _, other_refresh = await stack.tokens()
        sid = other_refresh.partition(".")[0]
        reply = await stack.client.delete(f"/auth/sessions/{sid}", headers=bearer(access))
        assert reply.status == 204
        assert (await stack.refresh(other_refresh)).status == 401
        [event] = stack.redis.published("auth.logout")
        assert event.payload["sid"] == sid
        assert event.payload["by_sid"] != sid
        again = await stack.client.delete(f"/auth/sessions/{sid}", headers=bearer(access))
        assert again.status == 204
        assert len(stack.redis.published("auth.logout")) == 1

    async def test_another_users_does_not_end(self, stack: Stack) -> None:
        await stack.add_user()
        await stack.add_user("ben@example.org")
        access, _ = await stack.tokens()
        _, refresh = await stack.tokens("ben@example.org")
        for sid in (refresh.partition(".")[0], str(uuid4())):
            reply = await stack.client.delete(f"/auth/sessions/{sid}", headers=bearer(access))
            assert (reply.status, reply.json()["code"]) == (404, "session_not_found")
        assert (await stack.refresh(refresh)).status == 200

    async def test_all_others_end(self, stack: Stack) -> None:
        await stack.add_user()
        access, refresh = await stack.tokens()
        others = [(await stack.tokens())[1] for _ in range(3)]
        reply = await stack.client.delete("/auth/sessions", headers=bearer(access))
        assert reply.status == 204
        assert [(await stack.refresh(other)).status for other in others] == [401] * 3
        assert (await stack.refresh(refresh)).status == 200

    async def test_one_that_is_opened_meanwhile_ends_too(
        self, service: SessionService, user: User, redis: RedisState
    ) -> None:
        current = sid_of(await service.open(user, ORIGIN))
        await service.open(user, ORIGIN)
        late: list[TokenPair] = []

        class OpenedMeanwhile(FakeSessions):
            async def revoke(self, sid: UUID, event: NewEvent | None = None) -> None:
                await super().revoke(sid, event)
                if not late:
                    late.append(await service.open(user, ORIGIN))

        ending = SessionService(
            OpenedMeanwhile(redis),
            FakeUsers(PostgresState()),
            PlainTokens(),
            refresh_keys=["a key"],
            refresh_seconds=900,
        )
        await ending.end_others(user.id, current)
        assert [it.id for it in await service.of_user(user.id, current)] == [current]
