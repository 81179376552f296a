"""Sessions: each refresh hash is spent once, and a revoked session stays revoked."""

import asyncio
import hashlib
from collections import Counter
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from shared.kit.errors import Conflict, NotFound
from shared.models.auth import SESSION_SECONDS_MAX, NewSession, RotateSession, Session
from stores import session_store
from stores.session_store import REVOCATIONS, SessionStore
from tests.stream_entries import stream_entries


def hashed(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()


def new_session(user_id: UUID | None = None, word: str = "first") -> NewSession:
    return NewSession(
        sid=uuid4(), user_id=user_id or uuid4(), refresh_hash=hashed(word), expires_in=600
    )


def rotation(presented: str, following: str) -> RotateSession:
    return RotateSession(
        presented_hash=hashed(presented), next_hash=hashed(following), expires_in=900
    )


async def revocations(raw: Redis) -> list[dict[str, str]]:
    return [fields for _, fields in await stream_entries(raw, REVOCATIONS)]


class TestCreate:
    async def test_keeps_the_session_as_long_as_asked(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        new = new_session()
        created = await sessions.create(new)
        assert created == Session(sid=new.sid, user_id=new.user_id, active=True)
        assert await sessions.read(new.sid) == created
        assert 590 <= await raw.ttl(f"session:{new.sid}") <= 600

    async def test_a_repeated_login_is_the_same_session(self, sessions: SessionStore) -> None:
        new = new_session()
        await sessions.create(new)
        await sessions.rotate(new.sid, rotation("first", "second"))
        assert (await sessions.create(new)).active
        await sessions.rotate(new.sid, rotation("second", "third"))

    @pytest.mark.parametrize("ended_by", ["revoke", "revoke_all"])
    async def test_a_repeated_login_after_revocation_stays_revoked(
        self, sessions: SessionStore, ended_by: str
    ) -> None:
        new = new_session()
        await sessions.create(new)
        if ended_by == "revoke":
            await sessions.revoke(new.sid)
        else:
            await sessions.revoke_all(new.user_id)
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


class TestRead:
    async def test_an_unknown_session_is_not_active(self, sessions: SessionStore) -> None:
        sid = uuid4()
        assert await sessions.read(sid) == Session(sid=sid, user_id=None, active=False)


class TestRotate:
    async def test_the_next_hash_is_current_and_the_expiry_starts_again(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        new = new_session()
        await sessions.create(new)
        rotated = await sessions.rotate(new.sid, rotation("first", "second"))
        assert rotated == Session(sid=new.sid, user_id=new.user_id, active=True)
        assert 890 <= await raw.ttl(f"session:{new.sid}") <= 900
        assert 890 <= await raw.ttl(f"session:{new.sid}:spent") <= 900
        await sessions.rotate(new.sid, rotation("second", "third"))

    async def test_a_spent_hash_revokes_the_session_and_publishes_it(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        new = new_session()
        await sessions.create(new)
        await sessions.rotate(new.sid, rotation("first", "second"))
        await sessions.rotate(new.sid, rotation("second", "third"))
        with pytest.raises(Conflict) as refused:
            await sessions.rotate(new.sid, rotation("first", "stolen"))
        assert refused.value.code == "refresh_reused"
        assert not (await sessions.read(new.sid)).active
        assert await revocations(raw) == [{"sid": str(new.sid)}]
        with pytest.raises(NotFound) as ended:
            await sessions.rotate(new.sid, rotation("third", "fourth"))
        assert ended.value.code == "session_not_found"

    async def test_a_hash_that_was_never_issued_revokes_nothing(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        new = new_session()
        await sessions.create(new)
        with pytest.raises(NotFound):
            await sessions.rotate(new.sid, rotation("guessed", "stolen"))
        assert await revocations(raw) == []
        await sessions.rotate(new.sid, rotation("first", "second"))

    async def test_a_rotation_sent_again_gets_the_same_answer(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        new = new_session()
        await sessions.create(new)
        first = await sessions.rotate(new.sid, rotation("first", "second"))
        assert await sessions.rotate(new.sid, rotation("first", "second")) == first
        assert await revocations(raw) == []

    async def test_an_unknown_session_is_not_found(self, sessions: SessionStore) -> None:
        with pytest.raises(NotFound) as unknown:
            await sessions.rotate(uuid4(), rotation("first", "second"))
        assert unknown.value.code == "session_not_found"

    async def test_of_twenty_at_once_one_succeeds_and_the_session_is_revoked(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        new = new_session()
        await sessions.create(new)

        async def one(number: int) -> str:
            try:
                await sessions.rotate(new.sid, rotation("first", f"next-{number}"))
            except Conflict as refused:
                return refused.code
            return "rotated"

        outcomes = Counter(await asyncio.gather(*(one(number) for number in range(20))))
        assert outcomes == {"rotated": 1, "refresh_reused": 19}
        assert not (await sessions.read(new.sid)).active
        assert await revocations(raw) == [{"sid": str(new.sid)}]

    async def test_only_the_newest_spent_hashes_are_kept(
        self, sessions: SessionStore, raw: Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(session_store, "SPENT_HASHES_KEPT", 2)
        new = new_session()
        await sessions.create(new)
        words = ["first", "second", "third", "fourth"]
        for presented, following in pairwise(words):
            await sessions.rotate(new.sid, rotation(presented, following))
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
        await sessions.revoke(new.sid)
        await sessions.revoke(new.sid)
        assert not (await sessions.read(new.sid)).active
        assert await revocations(raw) == [{"sid": str(new.sid)}]
        with pytest.raises(NotFound):
            await sessions.rotate(new.sid, rotation("first", "second"))

    async def test_the_revocation_of_an_unknown_session_is_published(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        sid = uuid4()
        await sessions.revoke(sid)
        assert await revocations(raw) == [{"sid": str(sid)}]
        assert await raw.keys("session:*") == []

    async def test_revocations_are_kept_for_their_time_and_then_trimmed(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        seconds, _ = await raw.time()
        for age in (1300, 1100):
            for number in range(150):
                await raw.xadd(
                    REVOCATIONS, {"sid": str(uuid4())}, f"{(seconds - age) * 1000}-{number}"
                )
        await sessions.revoke(uuid4())
        kept_since = f"{(seconds - 1200) * 1000}"
        kept = await stream_entries(raw, REVOCATIONS)
        ages = {seconds - int(entry_id.split("-")[0]) // 1000 for entry_id, _ in kept}
        old = await stream_entries(raw, REVOCATIONS, last=kept_since)
        assert len(old) < 100, "whole blocks of old entries are dropped"
        assert len(await stream_entries(raw, REVOCATIONS, first=kept_since)) == 151
        assert max(ages) <= 1300


class TestRevokeAll:
    async def test_revokes_present_sessions_and_no_later_ones(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        user_id = uuid4()
        before, other, after = new_session(user_id), new_session(), new_session(user_id)
        await sessions.create(before)
        await sessions.create(other)
        await sessions.revoke_all(user_id)
        await sessions.create(after)
        assert not (await sessions.read(before.sid)).active
        assert (await sessions.read(other.sid)).active
        assert (await sessions.read(after.sid)).active
        with pytest.raises(NotFound):
            await sessions.rotate(before.sid, rotation("first", "second"))
        await sessions.rotate(after.sid, rotation("first", "second"))

    async def test_a_spent_hash_after_the_cut_off_time_is_a_reuse(
        self, sessions: SessionStore
    ) -> None:
        new = new_session()
        await sessions.create(new)
        await sessions.rotate(new.sid, rotation("first", "second"))
        await sessions.revoke_all(new.user_id)
        with pytest.raises(Conflict):
            await sessions.rotate(new.sid, rotation("first", "second"))

    async def test_the_cut_off_time_outlives_every_session(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        user_id = uuid4()
        await sessions.revoke_all(user_id)
        kept = await raw.ttl(f"cut-off:{user_id}")
        assert SESSION_SECONDS_MAX - 10 <= kept <= SESSION_SECONDS_MAX
        [told] = await revocations(raw)
        assert told["user_id"] == str(user_id)
        seconds, _ = await raw.time()
        assert abs(int(told["issued_before"]) / 1_000_000 - seconds) < 5
