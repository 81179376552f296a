"""User tokens and revocations, as every verifier checks them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    generate_private_key,
)
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from jwt.algorithms import RSAAlgorithm

from shared.kit.auth.revocations import Revocations
from shared.kit.auth.user_tokens import RemoteKeySet, UserVerifier
from shared.kit.errors import Unauthenticated, Unavailable
from shared.kit.http.server_sent_events import ServerSentEvent
from shared.models.auth import JsonWebKey, JsonWebKeySet, Revocation
from shared.models.base import now
from shared.security.jwt import TokenRefused, verify_jwt
from shared.security.signing import generate_jwt
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from shared.testing.waiting import until

USER, SID = uuid4(), uuid4()


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def other_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def token(key: RSAPrivateKey, *, kid: str = "k1", age: int = 0, sid: UUID = SID) -> str:
    return generate_jwt(
        user_id=USER,
        sid=sid,
        role="user",
        permissions=["b", "a"],
        key=key,
        kid=kid,
        issued_at=now() - timedelta(seconds=age),
    )


def claims_of(text: str) -> dict[str, object]:
    found: dict[str, object] = jwt.decode(text, options={"verify_signature": False})
    return found


class TestVerifyJwt:
    def test_reads_the_claims(self, key: RSAPrivateKey) -> None:
        access = verify_jwt(token(key), {"k1": key.public_key()})
        assert (access.user_id, access.sid, access.role) == (USER, SID, "user")
        assert access.permissions == {"a", "b"}
        assert access.expires_at - access.issued_at == timedelta(minutes=15)

    def test_refuses_what_was_not_signed_by_us(
        self, key: RSAPrivateKey, other_key: RSAPrivateKey
    ) -> None:
        keys = {"k1": key.public_key()}
        public_pem = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        claims = claims_of(token(key))
        head, body, signature = token(key).split(".")
        confused = jwt.utils.base64url_encode(b'{"alg":"HS256","kid":"k1"}').decode()
        unsigned = jwt.encode(claims, "", algorithm="none", headers={"kid": "k1"})
        by_public_key = jwt.api_jws.PyJWS()
        by_public_key._algorithms["HS256"].prepare_key = lambda k: k  # type: ignore[method-assign,assignment]
        hs256 = by_public_key.encode(
            json.dumps(claims).encode(), public_pem, algorithm="HS256", headers={"kid": "k1"}
        )
        for forged in (
            token(other_key),
            token(key, kid="k2"),
            unsigned,
            hs256,
            f"{confused}.{body}.{signature}",
            f"{head}.{body}.",
            f"{head}.{body[:-2]}AA.{signature}",
            "",
            "a.b.c",
            "é.é.é",
        ):
            with pytest.raises(TokenRefused):
                verify_jwt(forged, keys)

    @pytest.mark.parametrize(
        "change",
        [
            {"iss": "somebody"},
            {"aud": "somebody"},
            {"exp": 1},
            {"exp": None},
            {"sid": None},
            {"sid": "not-a-uuid"},
            {"sub": "not-a-uuid"},
            {"permissions": None},
            {"permissions": 5},
            {"iat": "yesterday"},
            {"iat": 1e30},
        ],
    )
    def test_refuses_other_claims(self, key: RSAPrivateKey, change: dict[str, object]) -> None:
        claims = {k: v for k, v in (claims_of(token(key)) | change).items() if v is not None}
        forged = jwt.encode(claims, key, algorithm="RS256", headers={"kid": "k1"})
        with pytest.raises(TokenRefused):
            verify_jwt(forged, {"k1": key.public_key()})

    def test_refuses_an_expired_one(self, key: RSAPrivateKey) -> None:
        with pytest.raises(TokenRefused):
            verify_jwt(token(key, age=16 * 60), {"k1": key.public_key()})


class Keys:
    """A key set that a test changes, and that counts how often it is asked for keys."""

    def __init__(self, keys: Mapping[str, RSAPublicKey]) -> None:
        self.now = dict(keys)

    async def keys(self, kid: str) -> Mapping[str, RSAPublicKey]:
        return self.now


class NothingRevoked:
    async def check(self, sid: UUID, user_id: UUID, issued_at: float) -> None:
        """Nobody is revoked."""


class TestUserVerifier:
    async def test_remembers_until_the_key_is_withdrawn(self, key: RSAPrivateKey) -> None:
        keys = Keys({"k1": key.public_key()})
        verifier = UserVerifier(keys, NothingRevoked())
        text = token(key)
        assert (await verifier.verify(text)).id == USER
        assert (await verifier.verify(text)).id == USER
        keys.now.clear()
        with pytest.raises(Unauthenticated):
            await verifier.verify(text)

    async def test_does_not_remember_beyond_the_end(
        self, key: RSAPrivateKey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        verifier = UserVerifier(Keys({"k1": key.public_key()}), NothingRevoked())
        text = token(key, age=15 * 60 - 1)
        await verifier.verify(text)
        remembered = next(iter(verifier._verified))
        kid, access = verifier._verified[remembered]
        assert kid == "k1"
        later = access.expires_at.timestamp() + 1
        monkeypatch.setattr("shared.kit.auth.user_tokens.time.time", lambda: later)
        monkeypatch.setattr("shared.security.jwt.JWT_LEEWAY", -60)
        with pytest.raises(Unauthenticated):
            await verifier.verify(text)

    @pytest.mark.parametrize("text", [None, "", "x", "a.b.c", "\udcff"])
    async def test_refuses_garbage(self, key: RSAPrivateKey, text: str | None) -> None:
        with pytest.raises(Unauthenticated):
            await UserVerifier(Keys({}), NothingRevoked()).verify(text)


class Issuer:
    """back-auth's key set and session answers, as a small app."""

    def __init__(self, keys: dict[str, RSAPublicKey]) -> None:
        self.keys = keys
        self.asked = 0
        self.app = FastAPI()

        @self.app.get("/.well-known/jwks.json")
        async def jwks() -> JsonWebKeySet:
            self.asked += 1
            jwks = {k: RSAAlgorithm.to_jwk(v, as_dict=True) for k, v in self.keys.items()}
            return JsonWebKeySet(
                keys=[JsonWebKey(kid=k, n=j["n"], e=j["e"]) for k, j in jwks.items()]
            )


class TestRemoteKeySet:
    @pytest.fixture
    def issuer(self, key: RSAPrivateKey) -> Issuer:
        return Issuer({"k1": key.public_key()})

    @pytest.fixture
    def key_set(self, issuer: Issuer, keys: Identities) -> RemoteKeySet:
        return RemoteKeySet(keys.client("back-api", "back-auth", AsgiTransport(issuer.app)))

    async def test_asks_once_for_many(self, issuer: Issuer, key_set: RemoteKeySet) -> None:
        await asyncio.gather(*(key_set.keys("k1") for _ in range(20)))
        assert issuer.asked == 1

    async def test_asks_again_for_an_unknown_key_but_not_at_once(
        self,
        issuer: Issuer,
        key_set: RemoteKeySet,
        other_key: RSAPrivateKey,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        await key_set.keys("k1")
        issuer.keys["k2"] = other_key.public_key()
        assert "k2" not in await key_set.keys("k2")
        later = time.monotonic() + 2
        monkeypatch.setattr("shared.kit.auth.user_tokens.time.monotonic", lambda: later)
        assert "k2" in await key_set.keys("k2")
        assert issuer.asked == 2

    async def test_a_known_key_does_not_wait_for_a_hanging_back_auth(
        self, issuer: Issuer, key_set: RemoteKeySet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await key_set.keys("k1")
        hanging = asyncio.Event()
        issuer.app.router.routes.clear()

        @issuer.app.get("/.well-known/jwks.json")
        async def hang() -> None:
            hanging.set()
            await asyncio.Event().wait()

        later = time.monotonic() + 120
        monkeypatch.setattr("shared.kit.auth.user_tokens.time.monotonic", lambda: later)
        asked = key_set.keys("k1")
        with pytest.raises(StopIteration):
            asked.send(None)
        async with asyncio.timeout(20):
            await hanging.wait()

    async def test_a_key_that_could_not_be_confirmed_for_an_hour_is_refused(
        self, issuer: Issuer, key_set: RemoteKeySet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await key_set.keys("k1")
        issuer.app.router.routes.clear()
        later = time.monotonic() + RemoteKeySet.MAX_AGE_SECONDS + 1
        monkeypatch.setattr("shared.kit.auth.user_tokens.time.monotonic", lambda: later)
        with pytest.raises(Unavailable):
            await key_set.keys("k1")

    async def test_keeps_what_it_knows_while_back_auth_is_out(
        self, issuer: Issuer, key_set: RemoteKeySet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await key_set.keys("k1")
        issuer.app.router.routes.clear()
        later = time.monotonic() + 120
        monkeypatch.setattr("shared.kit.auth.user_tokens.time.monotonic", lambda: later)
        assert "k1" in await key_set.keys("k1")
        with pytest.raises(Unavailable):
            await key_set.keys("k2")


class Stream:
    """back-redis's stream of revocations, fed by a test."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[ServerSentEvent | None] = asyncio.Queue()
        self.since: list[str | None] = []
        self.app = FastAPI()

        @self.app.get("/streams/revocations")
        async def stream(since: str | None = None) -> StreamingResponse:
            self.since.append(since)

            async def body() -> AsyncIterator[bytes]:
                while (event := await self.events.get()) is not None:
                    yield event.encode()

            return StreamingResponse(body())

    def say(self, event: str, entry: Revocation | None = None, id: str | None = None) -> None:
        data = entry.model_dump_json() if entry else "{}"
        self.events.put_nowait(ServerSentEvent(event, data, id))


SILENCE = 40.0  # seconds: longer than any test takes


class TestRevocations:
    @pytest.fixture
    def stream(self) -> Stream:
        return Stream()

    @pytest.fixture
    def answers(self) -> list[bool | Exception]:
        return []

    @pytest.fixture
    def ask(self, answers: list[bool | Exception]) -> Callable[[UUID], Awaitable[bool]]:
        async def _ask(sid: UUID) -> bool:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return _ask

    @pytest.fixture
    async def revocations(
        self,
        keys: Identities,
        stream: Stream,
        ask: Callable[[UUID], Awaitable[bool]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> AsyncIterator[Revocations]:
        monkeypatch.setattr("shared.kit.auth.revocations._RETRY_SECONDS", 0.001)
        client = keys.client("back-api", "back-redis", AsgiTransport(stream.app))
        found = Revocations(client, "/streams/revocations", ask, silence=SILENCE)
        task = asyncio.create_task(found.follow())
        yield found
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def test_is_ready_after_the_snapshot(
        self, revocations: Revocations, stream: Stream
    ) -> None:
        with pytest.raises(Unavailable):
            await revocations.ready()
        stream.say("entry", Revocation(sid=SID), "1-0")
        stream.say("caught-up", id="1-0")
        await until(lambda: revocations.current)
        await revocations.ready()
        with pytest.raises(Unauthenticated, match="session_revoked"):
            await revocations.check(SID, USER, time.time())
        await revocations.check(uuid4(), USER, time.time())

    async def test_a_cut_off_ends_what_was_issued_before(
        self, revocations: Revocations, stream: Stream
    ) -> None:
        cut = now()
        stream.say("caught-up")
        stream.say("entry", Revocation(user_id=USER, issued_before=cut), "1-0")
        await until(lambda: bool(revocations._cutoffs))
        with pytest.raises(Unauthenticated):
            await revocations.check(SID, USER, cut.timestamp() - 1)
        stream.say("heartbeat")
        await revocations.check(SID, USER, cut.timestamp() + 1)
        await revocations.check(SID, uuid4(), cut.timestamp() - 1)

    async def test_asks_back_auth_while_the_stream_is_silent(
        self, revocations: Revocations, stream: Stream, answers: list[bool | Exception]
    ) -> None:
        stream.say("caught-up")
        await until(lambda: revocations.current)
        revocations._received_at -= SILENCE
        assert not revocations.current
        answers[:] = [True, False, Unavailable()]
        await revocations.check(SID, USER, time.time())
        with pytest.raises(Unauthenticated):
            await revocations.check(SID, USER, time.time())
        with pytest.raises(Unavailable):
            await revocations.check(SID, USER, time.time())

    async def test_resumes_where_the_stream_broke(
        self, revocations: Revocations, stream: Stream
    ) -> None:
        stream.say("entry", Revocation(sid=SID), "7-0")
        stream.say("caught-up", id="7-0")
        stream.events.put_nowait(None)
        await until(lambda: len(stream.since) == 2)
        assert stream.since == [None, "7-0"]
        assert not revocations.current
        with pytest.raises(Unauthenticated):
            await revocations.check(SID, USER, time.time())
        await revocations.ready()

    async def test_an_unreadable_entry_loads_the_snapshot_again(
        self, revocations: Revocations, stream: Stream, answers: list[bool | Exception]
    ) -> None:
        stream.say("entry", Revocation(sid=SID), "1-0")
        stream.say("caught-up", id="1-0")
        await until(lambda: revocations.current)
        stream.events.put_nowait(ServerSentEvent("entry", '{"sid": "not a uuid"}', "2-0"))
        await until(lambda: len(stream.since) == 2)
        assert stream.since == [None, None]
        assert not revocations.current
        answers[:] = [True]
        await revocations.check(uuid4(), USER, time.time())
        stream.say("caught-up", id="3-0")
        await until(lambda: revocations.current)

    async def test_tells_its_watchers(self, revocations: Revocations, stream: Stream) -> None:
        received: list[Revocation] = []

        async def watcher(revocation: Revocation) -> None:
            received.append(revocation)

        revocations.watch(watcher)
        stream.say("entry", Revocation(sid=SID), "1-0")
        await until(lambda: bool(received))
        assert received == [Revocation(sid=SID)]

    async def test_forgets_what_no_token_can_outlive(
        self, revocations: Revocations, stream: Stream, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stream.say("entry", Revocation(sid=SID), "1-0")
        await until(lambda: bool(revocations._sids))
        later = time.time() + 1201
        monkeypatch.setattr("shared.kit.auth.revocations.time.time", lambda: later)
        monkeypatch.setattr("shared.kit.auth.revocations._FORGET_SECONDS", 0)
        revocations._forget_at = 0
        stream.say("heartbeat")
        await until(lambda: not revocations._sids)
