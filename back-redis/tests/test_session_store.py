"""Sessions: each refresh hash is spent once, and a revoked session stays revoked."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from settings import Settings
from shared.kit.errors import Conflict, NotFound
from shared.models.auth import (
    SESSION_SECONDS_MAX,
    LoggedOut,
    NewSession,
    RefreshReused,
    RevokeGenerations,
    RotatedSession,
    RotateSession,
)
from shared.models.event import NewEvent
from shared.testing.sessions import DEVICE, NETWORK, hashed, new_session
from stores import session_store
from stores.security_event_store import SECURITY_EVENTS
from stores.session_store import REVOCATIONS, SessionStore
from tests.stream_entries import stream_entries
from valkey_client import ValkeyClient


def rotation(session: NewSession, presented: str, *following: str) -> RotateSession:
    payload = RefreshReused(user_id=session.user_id, sid=session.sid)
    return RotateSession(
        presented_hash=hashed(presented),
        next_hashes=[hashed(word) for word in following],
        expires_in=900,
        event=NewEvent.of(
            "auth.refresh.reused",
            payload,
            aggregate_id=session.user_id,
            command_id=session.sid,
            correlation_id="correlation-1",
        ),
    )


def logout(session: NewSession) -> NewEvent:
    return NewEvent.of(
        "auth.logout",
        LoggedOut(user_id=session.user_id, sid=session.sid),
        aggregate_id=session.user_id,
        command_id=session.sid,
        correlation_id="correlation-1",
    )


async def revocations(raw: Redis) -> list[dict[str, str]]:
    entries = await stream_entries(raw, REVOCATIONS)
    return [{k: v for k, v in fields.items() if k != "at"} for _, fields in entries]


async def revoked_earlier(raw: Redis, seconds: int, count: int = 1) -> None:
    """Add revocations as the store does, with a clock that was `seconds` behind Valkey's."""
    now, _ = await raw.time()
    at = (now - seconds) * 1000
    for _ in range(count):
        await raw.xadd(REVOCATIONS, {"at": str(at), "sid": str(uuid4())}, f"{at}-*")


async def security_events(raw: Redis) -> list[str]:
    """The types of the stored events, without those of the logins."""
    entries = await stream_entries(raw, SECURITY_EVENTS)
    events = [NewEvent.model_validate_json(fields["event"]) for _, fields in entries]
    types = [event.envelope.event_type for event in events]
    return [name for name in types if name != "auth.login.succeeded"]


async def pass_time(raw: Redis, session: NewSession, seconds: int) -> None:
    """Let the last rotation of a session have been `seconds` earlier."""
    rotated_at = int(await raw.hget(f"session:{session.sid}", "rotated_at") or 0)
    earlier = rotated_at - seconds * 1_000_000
    await raw.hset(f"session:{session.sid}", "rotated_at", str(earlier))


@pytest.fixture
def few(valkey: ValkeyClient, settings: Settings) -> SessionStore:
    """A store of at most three sessions a user."""
    return SessionStore(valkey, settings.model_copy(update={"sessions_per_user": 3}))


class TestCreate:
    async def test_keeps_the_session_as_long_as_asked_with_its_origin(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        new = new_session(generation=4)
        before = datetime.now(UTC) - timedelta(seconds=5)
        created = await sessions.create(new)
        assert (created.sid, created.user_id, created.active) == (new.sid, new.user_id, True)
        assert (created.generation, created.network, created.device) == (4, NETWORK, DEVICE)
        assert created.created_at
        assert created.created_at == created.last_used_at
        assert before < created.created_at < before + timedelta(seconds=30)
        assert created.expires_at == created.created_at + timedelta(seconds=600)
        assert await sessions.read(new.sid) == created
        assert 590 <= await raw.ttl(f"session:{new.sid}") <= 600

    async def test_stores_the_event_of_the_login_once(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        new = new_session()
        for _ in range(2):
            await sessions.create(new)
        [(_, fields)] = await stream_entries(raw, SECURITY_EVENTS)
        assert NewEvent.model_validate_json(fields["event"]) == new.event

    async def test_a_repeated_login_is_the_same_session(self, sessions: SessionStore) -> None:
        new = new_session()
        await sessions.create(new)
        await sessions.rotate(new.sid, rotation(new, "first", "second"))
        assert (await sessions.create(new)).active
        await sessions.rotate(new.sid, rotation(new, "second", "third"))

    @pytest.mark.parametrize("ended_by", ["revoke", "revoke_generations"])
    async def test_a_repeated_login_after_revocation_stays_revoked(
        self, sessions: SessionStore, ended_by: str
    ) -> None:
        new = new_session()
        await sessions.create(new)
        if ended_by == "revoke":
            await sessions.revoke(new.sid)
        else:
            await sessions.revoke_generations(revoked(new, 2))
        assert not (await sessions.create(new)).active

    @pytest.mark.parametrize("differs", ["user", "hash"])
    async def test_another_login_under_the_same_sid_is_refused(
        self, sessions: SessionStore, differs: str
    ) -> None:
        new = new_session()
        await sessions.create(new)
        other = new.model_copy(
            update={"user_id": uuid4()} if differs == "user" else {"refresh_hash": hashed("other")}
        )
        with pytest.raises(Conflict) as refused:
            await sessions.create(other)
        assert refused.value.code == "session_exists"
        assert (await sessions.read(new.sid)).user_id == new.user_id

    async def test_one_too_many_revokes_the_oldest_of_the_user(
        self, few: SessionStore, raw: Redis
    ) -> None:
        user_id, other = uuid4(), new_session()
        await few.create(other)
        mine = [new_session(user_id) for _ in range(5)]
        for new in mine:
            await few.create(new)
        active = [(await few.read(new.sid)).active for new in mine]
        assert active == [False, False, True, True, True]
        assert await revocations(raw) == [{"sid": str(new.sid)} for new in mine[:2]]
        assert (await few.read(other.sid)).active

    async def test_sessions_that_have_ended_do_not_count(
        self, few: SessionStore, raw: Redis
    ) -> None:
        user_id = uuid4()
        expired, logged_out, standing = (new_session(user_id) for _ in range(3))
        for new in (expired, logged_out, standing):
            await few.create(new)
        await raw.delete(f"session:{expired.sid}")
        await few.revoke(logged_out.sid)
        for _ in range(2):
            await few.create(new_session(user_id))
        assert (await few.read(standing.sid)).active
        assert await raw.zcard(f"sessions:{user_id}") == 3
        assert await raw.ttl(f"sessions:{user_id}") > SESSION_SECONDS_MAX - 10


class TestRead:
    async def test_an_unknown_session_is_not_active(self, sessions: SessionStore) -> None:
        session = await sessions.read(uuid4())
        assert (session.user_id, session.active, session.expires_at) == (None, False, None)


class TestRotate:
    async def test_the_next_hash_is_current_and_the_expiry_starts_again(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        new = new_session()
        created = await sessions.create(new)
        rotated = await sessions.rotate(new.sid, rotation(new, "first", "second"))
        assert (rotated.user_id, rotated.active) == (new.user_id, True)
        assert rotated.refresh_hash == hashed("second")
        assert created.created_at
        assert rotated.last_used_at == rotated.rotated_at
        assert rotated.rotated_at > created.created_at
        assert rotated.expires_at == rotated.rotated_at + timedelta(seconds=900)
        assert 890 <= await raw.ttl(f"session:{new.sid}") <= 900
        assert 890 <= await raw.ttl(f"session:{new.sid}:spent") <= 900
        await sessions.rotate(new.sid, rotation(new, "second", "third"))

    async def test_no_session_outlives_its_last_possible_moment(
        self, valkey: ValkeyClient, settings: Settings, raw: Redis
    ) -> None:
        short = settings.model_copy(update={"session_seconds_max": 700})
        sessions, new = SessionStore(valkey, short), new_session()
        created = await sessions.create(new)
        assert created.created_at
        rotated = await sessions.rotate(new.sid, rotation(new, "first", "second"))
        assert rotated.expires_at == created.created_at + timedelta(seconds=700)
        assert 690 <= await raw.ttl(f"session:{new.sid}") <= 700
        assert 690 <= await raw.ttl(f"session:{new.sid}:spent") <= 700

    async def test_a_spent_hash_revokes_the_session_and_publishes_it(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        new = new_session()
        await sessions.create(new)
        await sessions.rotate(new.sid, rotation(new, "first", "second"))
        await sessions.rotate(new.sid, rotation(new, "second", "third"))
        with pytest.raises(Conflict) as refused:
            await sessions.rotate(new.sid, rotation(new, "first", "second"))
        assert refused.value.code == "refresh_reused"
        assert not (await sessions.read(new.sid)).active
        assert await revocations(raw) == [{"sid": str(new.sid)}]
        assert await security_events(raw) == ["auth.refresh.reused"]
        assert await raw.zcard(f"sessions:{new.user_id}") == 0
        with pytest.raises(NotFound) as ended:
            await sessions.rotate(new.sid, rotation(new, "third", "fourth"))
        assert ended.value.code == "session_not_found"

    async def test_a_hash_that_was_never_issued_revokes_nothing(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        new = new_session()
        await sessions.create(new)
        with pytest.raises(NotFound):
            await sessions.rotate(new.sid, rotation(new, "guessed", "stolen"))
        assert await revocations(raw) == []
        assert await security_events(raw) == []
        await sessions.rotate(new.sid, rotation(new, "first", "second"))

    async def test_a_hash_replaced_a_moment_ago_gets_the_same_answer(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        new = new_session()
        await sessions.create(new)
        first = await sessions.rotate(new.sid, rotation(new, "first", "second"))
        assert await sessions.rotate(new.sid, rotation(new, "first", "second")) == first
        await pass_time(raw, new, 28)
        again = await sessions.rotate(new.sid, rotation(new, "first", "second"))
        assert again.refresh_hash == first.refresh_hash
        assert await revocations(raw) == []
        await sessions.rotate(new.sid, rotation(new, "second", "third"))

    async def test_after_half_a_minute_it_is_a_reuse(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        new = new_session()
        await sessions.create(new)
        await sessions.rotate(new.sid, rotation(new, "first", "second"))
        await pass_time(raw, new, 31)
        with pytest.raises(Conflict):
            await sessions.rotate(new.sid, rotation(new, "first", "second"))
        assert await security_events(raw) == ["auth.refresh.reused"]

    async def test_after_a_clock_was_put_back_it_is_a_reuse(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        new = new_session()
        await sessions.create(new)
        await sessions.rotate(new.sid, rotation(new, "first", "second"))
        await pass_time(raw, new, -3600)
        with pytest.raises(Conflict):
            await sessions.rotate(new.sid, rotation(new, "first", "second"))

    async def test_a_successor_of_another_key_of_the_server_is_recognised(
        self, sessions: SessionStore
    ) -> None:
        new = new_session()
        await sessions.create(new)
        await sessions.rotate(new.sid, rotation(new, "first", "old key's", "new key's"))
        again = await sessions.rotate(new.sid, rotation(new, "first", "new key's", "old key's"))
        assert again.refresh_hash == hashed("old key's")

    async def test_a_moment_ago_with_another_successor_is_a_reuse(
        self, sessions: SessionStore
    ) -> None:
        new = new_session()
        await sessions.create(new)
        await sessions.rotate(new.sid, rotation(new, "first", "second"))
        with pytest.raises(Conflict):
            await sessions.rotate(new.sid, rotation(new, "first", "stolen"))

    async def test_an_unknown_session_is_not_found(self, sessions: SessionStore) -> None:
        new = new_session()
        with pytest.raises(NotFound) as unknown:
            await sessions.rotate(new.sid, rotation(new, "first", "second"))
        assert unknown.value.code == "session_not_found"

    async def test_twenty_at_once_get_the_same_answer(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        new = new_session()
        await sessions.create(new)

        async def one() -> RotatedSession:
            return await sessions.rotate(new.sid, rotation(new, "first", "second"))

        answers = await asyncio.gather(*(one() for _ in range(20)))
        assert len({answer.model_dump_json() for answer in answers}) == 1
        assert await revocations(raw) == []

    async def test_of_twenty_thieves_none_gets_an_answer_after_the_successor_was_used(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        new = new_session()
        await sessions.create(new)
        await sessions.rotate(new.sid, rotation(new, "first", "second"))
        await sessions.rotate(new.sid, rotation(new, "second", "third"))

        async def one() -> str:
            try:
                await sessions.rotate(new.sid, rotation(new, "first", "second"))
            except Conflict as refused:
                return refused.code
            return "rotated"

        outcomes = Counter(await asyncio.gather(*(one() for _ in range(20))))
        assert outcomes == {"refresh_reused": 20}
        assert await revocations(raw) == [{"sid": str(new.sid)}]
        assert await security_events(raw) == ["auth.refresh.reused"]

    async def test_only_the_newest_spent_hashes_are_kept(
        self, sessions: SessionStore, raw: Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(session_store, "SPENT_HASHES_KEPT", 2)
        new = new_session()
        await sessions.create(new)
        words = ["first", "second", "third", "fourth"]
        for presented, following in pairwise(words):
            await sessions.rotate(new.sid, rotation(new, presented, following))
        assert await raw.zrange(f"session:{new.sid}:spent", 0, -1) == [
            hashed("second"),
            hashed("third"),
        ]


class TestRevoke:
    async def test_revokes_the_session_and_publishes_it_once(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        new = new_session()
        await sessions.create(new)
        for _ in range(2):
            await sessions.revoke(new.sid, logout(new))
        assert not (await sessions.read(new.sid)).active
        assert await revocations(raw) == [{"sid": str(new.sid)}]
        assert await security_events(raw) == ["auth.logout"]
        with pytest.raises(NotFound):
            await sessions.rotate(new.sid, rotation(new, "first", "second"))

    async def test_one_that_was_just_rotated_gets_no_answer_again(
        self, sessions: SessionStore
    ) -> None:
        new = new_session()
        await sessions.create(new)
        await sessions.rotate(new.sid, rotation(new, "first", "second"))
        await sessions.revoke(new.sid)
        with pytest.raises(Conflict):
            await sessions.rotate(new.sid, rotation(new, "first", "second"))

    async def test_the_revocation_of_an_unknown_session_is_published(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        new = new_session()
        await sessions.revoke(new.sid, logout(new))
        assert await revocations(raw) == [{"sid": str(new.sid)}]
        assert await security_events(raw) == ["auth.logout"]
        assert await raw.keys("session:*") == []

    async def test_revocations_are_kept_for_their_time_and_then_trimmed(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        seconds, _ = await raw.time()
        for age, count in ((1300, 150), (1100, 150), (30, 1)):
            await revoked_earlier(raw, age, count)
        await sessions.revoke(uuid4())
        kept_since = f"{(seconds - 1200) * 1000}"
        kept = await stream_entries(raw, REVOCATIONS)
        ages = {seconds - int(entry_id.split("-")[0]) // 1000 for entry_id, _ in kept}
        old = await stream_entries(raw, REVOCATIONS, last=kept_since)
        assert len(old) < 100, "whole blocks of old entries are dropped"
        assert len(await stream_entries(raw, REVOCATIONS, first=kept_since)) == 152
        assert max(ages) <= 1300

    @pytest.mark.parametrize("ahead", [3600, 86_400, -3600, -86_400])
    async def test_a_clock_that_jumps_drops_none(
        self, sessions: SessionStore, raw: Redis, ahead: int
    ) -> None:
        await revoked_earlier(raw, ahead, 300)
        before = await revocations(raw)
        for _ in range(3):
            await sessions.revoke(uuid4())
        assert (await revocations(raw))[:-3] == before
        assert len(await revocations(raw)) == 303

    async def test_rare_ones_count_as_a_minute_apart(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        await revoked_earlier(raw, 3600, 300)
        now, _ = await raw.time()
        for minute in range(1, 23):
            at = (now - 3600 + 60 * minute) * 1000
            await raw.xadd(REVOCATIONS, {"at": str(at), "sid": str(uuid4())}, f"{at}-*")
        await sessions.revoke(uuid4())
        assert len(await revocations(raw)) < 123, "those 23 minutes before it are dropped"


def revoked(session: NewSession, generation: int) -> RevokeGenerations:
    return RevokeGenerations(user_id=session.user_id, session_generation=generation)


class TestRevokeGenerations:
    async def test_ends_those_before_it_and_no_later_one(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        user_id = uuid4()
        before, after, other = (
            new_session(user_id),
            new_session(user_id, generation=2),
            new_session(),
        )
        for new in (before, after, other):
            await sessions.create(new)
        await sessions.revoke_generations(revoked(before, 2))
        active = [(await sessions.read(new.sid)).active for new in (before, after, other)]
        assert active == [False, True, True]
        with pytest.raises(NotFound):
            await sessions.rotate(before.sid, rotation(before, "first", "second"))
        await sessions.rotate(after.sid, rotation(after, "first", "second"))
        assert await raw.zrange(f"sessions:{user_id}", 0, -1) == [str(after.sid)]

    async def test_a_login_that_comes_late_is_not_active_and_leaves_no_event(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        late = new_session()
        await sessions.revoke_generations(revoked(late, 2))
        assert not (await sessions.create(late)).active
        assert await stream_entries(raw, SECURITY_EVENTS) == []
        assert await raw.zcard(f"sessions:{late.user_id}") == 0

    async def test_the_highest_is_kept_as_long_as_the_longest_session_and_told_once(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        new = new_session()
        for generation in (2, 3, 3, 2):
            await sessions.revoke_generations(revoked(new, generation))
        assert await raw.get(f"generation:{new.user_id}") == "3"
        kept = await raw.ttl(f"generation:{new.user_id}")
        assert SESSION_SECONDS_MAX - 10 <= kept <= SESSION_SECONDS_MAX
        assert await revocations(raw) == [
            {"user_id": str(new.user_id), "generation": str(generation)} for generation in (2, 3)
        ]


class TestOfUser:
    async def test_are_the_active_ones_newest_first(self, sessions: SessionStore) -> None:
        user_id = uuid4()
        made = [await sessions.create(new_session(user_id, generation=1 + n)) for n in range(4)]
        await sessions.create(new_session())
        assert await sessions.of_user(user_id) == made[::-1]
        await sessions.revoke(made[2].sid)
        await sessions.revoke_generations(RevokeGenerations(user_id=user_id, session_generation=2))
        assert await sessions.of_user(user_id) == [made[3], made[1]]

    async def test_one_that_has_expired_is_left_out(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        created = await sessions.create(new_session())
        assert created.user_id
        await raw.delete(f"session:{created.sid}")
        assert await sessions.of_user(created.user_id) == []

    async def test_a_kept_session_is_of_the_new_generation(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        kept = await sessions.create(new_session())
        assert kept.user_id
        other = await sessions.create(new_session(kept.user_id))
        asked = RevokeGenerations(user_id=kept.user_id, session_generation=2, kept_sid=kept.sid)
        for _ in range(2):
            await sessions.revoke_generations(asked)
        [left] = await sessions.of_user(kept.user_id)
        assert (left.sid, left.generation, left.active) == (kept.sid, 2, True)
        assert not (await sessions.read(other.sid)).active
        assert [entry["generation"] for entry in await revocations(raw)] == ["2"]


class TestRevokedSession:
    @pytest.mark.parametrize("ended_by", ["revoke", "revoke_generations", "before"])
    async def test_keeps_nothing_of_where_it_was_opened(
        self, sessions: SessionStore, raw: Redis, ended_by: str
    ) -> None:
        new = new_session()
        if ended_by == "before":
            await sessions.revoke_generations(revoked(new, 2))
        await sessions.create(new)
        if ended_by == "revoke":
            await sessions.revoke(new.sid)
        await sessions.revoke_generations(revoked(new, 2))
        stored = await raw.hgetall(f"session:{new.sid}")
        assert stored["state"] == "revoked"
        assert {"network", "device"}.isdisjoint(stored)
        session = await sessions.read(new.sid)
        assert (session.active, session.network, session.device) == (False, None, None)
