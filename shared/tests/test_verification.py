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
from pydantic import ValidationError
from structlog.testing import capture_logs

from shared.kit import Service, ServiceSettings
from shared.kit.auth.guards import CurrentUser, current_user, user_with_permission
from shared.kit.auth.revocations import Revocations, session_check
from shared.kit.auth.user_tokens import RemoteKeySet, UserVerifier
from shared.kit.errors import Unauthenticated, Unavailable
from shared.kit.http.server_sent_events import ServerSentEvent
from shared.models.auth import JsonWebKey, JsonWebKeySet, Revocation, Session
from shared.models.base import now
from shared.security.jwt import AccessToken, TokenRefused, verify_jwt
from shared.security.signing import generate_jwt
from shared.testing.asgi_client import AsgiClient, running
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.clock import Clock
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
    issued_at = now() - timedelta(seconds=age)
    access = AccessToken(
        user_id=USER,
        sid=sid,
        generation=3,
        role="user",
        permissions=frozenset({"b", "a"}),
        issued_at=issued_at,
        expires_at=issued_at + timedelta(minutes=15),
    )
    return generate_jwt(access, token_id=uuid4(), key=key, kid=kid)


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def claims_of(text: str) -> dict[str, object]:
    found: dict[str, object] = jwt.decode(text, options={"verify_signature": False})
    return found


class TestVerifyJwt:
    def test_reads_the_claims(self, key: RSAPrivateKey) -> None:
        access = verify_jwt(token(key), {"k1": key.public_key()})
        assert (access.user_id, access.sid, access.generation) == (USER, SID, 3)
        assert access.role == "user"
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
            {"gen": None},
            {"gen": "first"},
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
    """A key set that a test changes."""

    def __init__(self, keys: Mapping[str, RSAPublicKey]) -> None:
        self.now = dict(keys)

    async def keys(self, kid: str) -> Mapping[str, RSAPublicKey]:
        return self.now


class RevokedSessions:
    """A revocation check over a set of sessions; `asked` is what it was asked."""

    def __init__(self) -> None:
        self.sids: set[UUID] = set()
        self.asked: list[tuple[UUID, UUID, int]] = []

    async def check(self, sid: UUID, user_id: UUID, generation: int) -> None:
        self.asked.append((sid, user_id, generation))
        if sid in self.sids:
            raise Unauthenticated(code="session_revoked")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("shared.kit.auth.user_tokens.time", clock)
    return clock


@pytest.fixture
def revoked() -> RevokedSessions:
    return RevokedSessions()


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens whose signature was checked."""
    found: list[str] = []

    def counting(text: str, keys: Mapping[str, RSAPublicKey]) -> AccessToken:
        found.append(text)
        return verify_jwt(text, keys)

    monkeypatch.setattr("shared.kit.auth.user_tokens.verify_jwt", counting)
    return found


class TestUserVerifier:
    async def test_checks_a_signature_once(
        self, key: RSAPrivateKey, revoked: RevokedSessions, verified: list[str]
    ) -> None:
        verifier = UserVerifier(Keys({"k1": key.public_key()}), revoked)
        texts = [token(key), token(key)]
        for text in texts * 3:
            assert (await verifier.verify(text)).id == USER
        assert verified == texts

    async def test_remembers_until_the_key_is_withdrawn(
        self, key: RSAPrivateKey, revoked: RevokedSessions
    ) -> None:
        keys = Keys({"k1": key.public_key()})
        verifier = UserVerifier(keys, revoked)
        text = token(key)
        assert (await verifier.verify(text)).id == USER
        keys.now.clear()
        with pytest.raises(Unauthenticated):
            await verifier.verify(text)

    async def test_does_not_remember_beyond_the_end(
        self,
        key: RSAPrivateKey,
        revoked: RevokedSessions,
        clock: Clock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        verifier = UserVerifier(Keys({"k1": key.public_key()}), revoked)
        text = token(key)
        await verifier.verify(text)
        [(_, access)] = verifier._verified.values()
        clock.now = access.expires_at.timestamp()
        monkeypatch.setattr("shared.security.jwt.JWT_LEEWAY", -16 * 60)
        with pytest.raises(Unauthenticated):
            await verifier.verify(text)
        assert not verifier._verified

    async def test_remembers_a_limited_number(
        self, key: RSAPrivateKey, revoked: RevokedSessions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.kit.auth.user_tokens._REMEMBERED", 3)
        verifier = UserVerifier(Keys({"k1": key.public_key()}), revoked)
        for _ in range(8):
            await verifier.verify(token(key))
            assert len(verifier._verified) <= 3

    async def test_a_revoked_session_is_refused_also_when_its_token_is_remembered(
        self, key: RSAPrivateKey, revoked: RevokedSessions
    ) -> None:
        verifier = UserVerifier(Keys({"k1": key.public_key()}), revoked)
        text = token(key)
        await verifier.verify(text)
        assert revoked.asked == [(SID, USER, 3)]
        revoked.sids.add(SID)
        with pytest.raises(Unauthenticated, match=r"^session_revoked"):
            await verifier.verify(text)

    @pytest.mark.parametrize("text", [None, "", "x", "a.b.c", "\udcff"])
    async def test_refuses_garbage(self, revoked: RevokedSessions, text: str | None) -> None:
        with pytest.raises(Unauthenticated):
            await UserVerifier(Keys({}), revoked).verify(text)


class TestUserGuards:
    @pytest.fixture
    async def client(
        self, settings: ServiceSettings, key: RSAPrivateKey, revoked: RevokedSessions
    ) -> AsyncIterator[AsgiClient]:
        service = Service(settings)
        service.verifies_users(Keys({"k1": key.public_key()}), revoked)

        @service.api.get("/who")
        async def who(user: CurrentUser) -> dict[str, str]:
            return {"id": str(user.id), "sid": str(user.sid), "role": user.role}

        @service.api.get("/any", dependencies=[current_user()])
        async def any_user() -> dict[str, str]:
            return {}

        @service.api.get("/permitted", dependencies=[user_with_permission("a")])
        async def permitted() -> dict[str, str]:
            return {}

        @service.api.get("/forbidden", dependencies=[user_with_permission("c")])
        async def forbidden() -> dict[str, str]:
            return {}

        async with running(service.api) as found:
            yield found

    async def test_name_the_user_of_the_token(self, client: AsgiClient, key: RSAPrivateKey) -> None:
        reply = await client.get("/who", headers=bearer(token(key)))
        assert reply.json() == {"id": str(USER), "sid": str(SID), "role": "user"}

    @pytest.mark.parametrize("path", ["/who", "/any", "/permitted"])
    async def test_need_a_token_that_is_valid(
        self, client: AsgiClient, key: RSAPrivateKey, other_key: RSAPrivateKey, path: str
    ) -> None:
        assert (await client.get(path, headers=bearer(token(key)))).status == 200
        for headers, code in (
            ({}, "token_missing"),
            ({"Authorization": "Basic YTpi"}, "token_missing"),
            (bearer(token(other_key)), "token_refused"),
        ):
            reply = await client.get(path, headers=headers)
            assert (reply.status, reply.json()["code"]) == (401, code)

    async def test_need_the_permission_of_the_route(
        self, client: AsgiClient, key: RSAPrivateKey
    ) -> None:
        reply = await client.get("/forbidden", headers=bearer(token(key)))
        assert (reply.status, reply.json()["code"]) == (403, "permission_missing")
        assert (await client.get("/forbidden")).status == 401


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


class ScriptedAuth:
    """back-auth as its client answers; counts the loads of the key set."""

    def __init__(self, key: RSAPublicKey) -> None:
        jwk = RSAAlgorithm.to_jwk(key, as_dict=True)
        self._found = JsonWebKeySet(keys=[JsonWebKey(kid="k1", n=jwk["n"], e=jwk["e"])])
        self.down = False
        self.loads = 0

    async def get(self, path: str, *, response_model: type[JsonWebKeySet]) -> JsonWebKeySet:
        self.loads += 1
        if self.down:
            raise Unavailable("back-auth is down.")
        return self._found


class TestWhenTheKeySetIsLoaded:
    @pytest.fixture
    def auth(self, key: RSAPrivateKey) -> ScriptedAuth:
        return ScriptedAuth(key.public_key())

    @pytest.fixture
    def key_set(self, auth: ScriptedAuth) -> RemoteKeySet:
        return RemoteKeySet(auth)  # type: ignore[arg-type]

    async def seconds_between_loads(
        self, key_set: RemoteKeySet, auth: ScriptedAuth, clock: Clock, number: int
    ) -> list[int]:
        """Use the key once a second; the seconds between the next `number` loads."""
        gaps: list[int] = []
        waited = 0
        while len(gaps) < number:
            clock.now += 1
            waited += 1
            loads = auth.loads
            assert "k1" in await key_set.keys("k1")
            if key_set._loading:
                await key_set._loading
            if auth.loads > loads:
                gaps.append(waited)
                waited = 0
        return gaps

    async def test_a_known_key_is_confirmed_once_a_minute_and_later_and_later_in_an_outage(
        self, key_set: RemoteKeySet, auth: ScriptedAuth, clock: Clock
    ) -> None:
        await key_set.keys("k1")
        assert await self.seconds_between_loads(key_set, auth, clock, 2) == [61, 61]
        auth.down = True
        gaps = await self.seconds_between_loads(key_set, auth, clock, 7)
        assert gaps == [61, 3, 5, 9, 17, 31, 31]
        auth.down = False
        gaps = await self.seconds_between_loads(key_set, auth, clock, 3)
        assert gaps == [31, 61, 61]
        auth.down = True
        gaps = await self.seconds_between_loads(key_set, auth, clock, 3)
        assert gaps == [61, 3, 5]

    async def test_an_outage_at_the_start_ends_with_the_next_load(
        self, key_set: RemoteKeySet, auth: ScriptedAuth, clock: Clock
    ) -> None:
        auth.down = True
        for _ in range(2):
            with pytest.raises(Unavailable):
                await key_set.keys("k1")
        assert auth.loads == 1, "one load a second for a key that is not known"
        auth.down = False
        clock.now += 1.5
        assert "k1" in await key_set.keys("k1")
        assert "k2" not in await key_set.keys("k2")


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
            await revocations.check(SID, USER, 1)
        await revocations.check(uuid4(), USER, 1)

    async def test_a_generation_ends_those_before_it_and_no_later_one(
        self, revocations: Revocations, stream: Stream
    ) -> None:
        stream.say("caught-up")
        for generation, entry_id in ((3, "1-0"), (2, "2-0")):
            stream.say("entry", Revocation(user_id=USER, generation=generation), entry_id)
        await until(lambda: revocations._since == "2-0")
        for generation in (1, 2):
            with pytest.raises(Unauthenticated, match=r"^session_revoked"):
                await revocations.check(SID, USER, generation)
        stream.say("heartbeat")
        await revocations.check(SID, USER, 3)
        await revocations.check(SID, uuid4(), 1)

    async def test_asks_back_auth_while_the_stream_is_silent(
        self, revocations: Revocations, stream: Stream, answers: list[bool | Exception]
    ) -> None:
        stream.say("caught-up")
        await until(lambda: revocations.current)
        revocations._received_at -= SILENCE
        assert not revocations.current
        answers[:] = [True, False, Unavailable()]
        await revocations.check(SID, USER, 1)
        with pytest.raises(Unauthenticated):
            await revocations.check(SID, USER, 1)
        with pytest.raises(Unavailable) as unknown:
            await revocations.check(SID, USER, 1)
        assert unknown.value.retry_after == 1

    async def test_asks_back_auth_until_the_whole_snapshot_is_read(
        self, revocations: Revocations, stream: Stream, answers: list[bool | Exception]
    ) -> None:
        stream.say("entry", Revocation(sid=SID), "1-0")
        await until(lambda: bool(revocations._sids))
        assert not revocations.current
        answers[:] = [False]
        with pytest.raises(Unauthenticated):
            await revocations.check(uuid4(), USER, 1)

    @pytest.mark.parametrize(
        "events, since",
        [
            ([("entry", "7-0")], "7-0"),
            ([("caught-up", "7-0")], "7-0"),
            ([("entry", "7-0"), ("caught-up", None)], "7-0"),
            ([("caught-up", "7-0"), ("entry", "8-0")], "8-0"),
            ([("caught-up", "7-0"), ("heartbeat", None)], "7-0"),
        ],
    )
    async def test_resumes_after_what_was_read_last(
        self,
        revocations: Revocations,
        stream: Stream,
        events: list[tuple[str, str | None]],
        since: str,
    ) -> None:
        for event, at in events:
            stream.say(event, Revocation(sid=SID) if event == "entry" else None, at)
        stream.events.put_nowait(None)
        await until(lambda: len(stream.since) == 2)
        assert stream.since == [None, since]
        assert not revocations.current

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
            await revocations.check(SID, USER, 1)
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
        await revocations.check(uuid4(), USER, 1)
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

    async def test_forgets_nothing_because_the_clock_jumps(
        self, revocations: Revocations, stream: Stream, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.kit.auth.revocations._FORGET_SECONDS", 0)
        clock = Clock()
        monkeypatch.setattr("shared.kit.auth.revocations.time", clock)
        stream.say("entry", Revocation(sid=SID), "1-0")
        await until(lambda: SID in revocations._sids)
        clock.put_forward = 3600
        other = uuid4()
        stream.say("entry", Revocation(sid=other), "2-0")
        await until(lambda: other in revocations._sids)
        stream.say("entry", Revocation(sid=uuid4()), "3-0")
        await until(lambda: len(revocations._sids) == 3)
        clock.put_forward = 0
        with pytest.raises(Unauthenticated):
            await revocations.check(SID, uuid4(), 1)

    async def test_forgets_what_no_token_can_outlive(
        self, revocations: Revocations, stream: Stream, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.kit.auth.revocations._FORGET_SECONDS", 0)
        clock = Clock()
        monkeypatch.setattr("shared.kit.auth.revocations.time", clock)
        old, young = uuid4(), uuid4()

        async def revoke(user: UUID) -> None:
            stream.say("entry", Revocation(sid=user), "1-0")
            stream.say("entry", Revocation(user_id=user, generation=2), "2-0")
            await until(lambda: user in revocations._generations)

        for user in (old, young):
            await revoke(user)
            clock.now += 900
        clock.now += 1201 - 2 * 900
        stream.say("heartbeat")
        await until(lambda: old not in revocations._sids)
        assert revocations._sids.keys() == {young}
        assert revocations._generations.keys() == {young}


class Interrupted(Exception):
    """Ends `follow`, which runs for ever."""


class BrokenStream:
    """A stream that ends each time with the next of `faults`."""

    def __init__(self, *faults: Exception) -> None:
        self._faults = iter(faults)

    async def events(
        self, path: str, *, since: str | None, silence: float
    ) -> AsyncIterator[ServerSentEvent]:
        fault = next(self._faults, Interrupted())
        if isinstance(fault, ValidationError):
            yield ServerSentEvent("entry", '{"sid": "a-secret"}', "1-0")
        raise fault


async def test_a_stream_is_read_again_soon_after_an_outage_and_later_while_it_is_unreadable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("shared.kit.auth.revocations.asyncio.sleep", sleep)
    out = Unavailable("back-redis is down.")
    unreadable = ValidationError.from_exception_data("Revocation", [])
    stream = BrokenStream(out, out, *[unreadable] * 6, out)
    revocations = Revocations(stream, "/streams/revocations", no_answer)  # type: ignore[arg-type]
    with capture_logs() as logs, pytest.raises(Interrupted):
        await revocations.follow()
    assert pauses == [0.25, 0.25, 0.5, 1, 2, 4, 5, 5, 0.25]
    errors = [entry for entry in logs if entry["log_level"] == "error"]
    assert [entry["event"] for entry in errors] == ["revocation_unreadable"] * 6
    assert "a-secret" not in str(errors)


async def no_answer(_: UUID) -> bool:
    raise Unavailable


async def test_the_service_that_keeps_the_sessions_says_whether_one_is_active(
    keys: Identities,
) -> None:
    app = FastAPI()

    @app.get("/internal/sessions/{sid}")
    async def session(sid: UUID) -> Session:
        return Session(sid=sid, user_id=USER, active=sid == SID)

    client = keys.client("back-api", "back-auth", AsgiTransport(app))
    is_active = session_check(client, "/internal/sessions")
    assert await is_active(SID) is True
    assert await is_active(uuid4()) is False
