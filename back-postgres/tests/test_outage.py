import asyncio
from time import monotonic
from uuid import uuid4

import asyncpg
import pytest

from database import Database
from main import app
from settings import Settings
from shared.kit.errors import TimedOut, Unavailable
from shared.testing.asgi_client import running
from shared.testing.identities import Identities
from shared.testing.tcp_proxy import TcpProxy
from tests.builders import event, recording, registered
from tests.callers import Callers
from tests.database_waiting import until_found


class TestStart:
    async def test_without_the_engine_it_lives_and_waits(
        self, engine: TcpProxy, database: Database, keys: Identities
    ) -> None:
        await engine.stop()

        async with running(app()) as client:
            service = Callers(client, keys)
            assert (await client.get("/health/live")).status == 200
            assert (await client.get("/health/ready")).status == 503
            reply = await service.api("GET", f"/users/{uuid4()}")
            assert (reply.status, reply.json()["code"]) == (503, "unavailable")

            await engine.start()
            await service.until_ready()
            assert (await service.api("GET", f"/users/{uuid4()}")).status == 404


class TestKilled:
    async def test_answers_503_and_recovers_by_itself(
        self, engine: TcpProxy, database: Database, keys: Identities
    ) -> None:
        async with running(app()) as client:
            service = Callers(client, keys)
            await service.until_ready()
            user = await registered(service)

            await engine.stop()
            replies = [await service.api("GET", f"/users/{user.user_id}") for _ in range(3)]
            assert {reply.status for reply in replies} == {503}
            assert replies[0].headers["retry-after"] == "1"

            await engine.start()
            read = await service.api("GET", f"/users/{user.user_id}")
            assert read.status == 200

    @pytest.mark.usefixtures("woken_alone")
    async def test_long_polls_hear_notifications_again(
        self, engine: TcpProxy, database: Database, keys: Identities
    ) -> None:
        async with running(app()) as client:
            service = Callers(client, keys)
            await service.until_ready()
            await engine.stop()
            await engine.start()
            await service.until_ready()
            poll = asyncio.create_task(service.claim(28))

            await service.workers("POST", "/events", recording(event()))

            async with asyncio.timeout(20):
                assert len(await poll) == 1

    async def test_a_write_during_the_outage_may_be_repeated(
        self, engine: TcpProxy, database: Database, keys: Identities
    ) -> None:
        async with running(app()) as client:
            service = Callers(client, keys)
            await service.until_ready()
            command = recording(event())
            writing = asyncio.create_task(service.workers("POST", "/events", command))
            await asyncio.sleep(0.003)  # noqa: TID251 - the engine goes while the write is on its way
            await engine.stop()
            assert (await writing).status in {201, 503}

            await engine.start()
            assert (await service.workers("POST", "/events", command)).status == 201

        assert len(await database.rows("SELECT event_id FROM events")) == 1


class TestHanging:
    async def test_answers_504_within_the_deadline_and_recovers(
        self,
        engine: TcpProxy,
        environment: pytest.MonkeyPatch,
        database: Database,
        keys: Identities,
    ) -> None:
        environment.setenv("COMMAND_TIMEOUT", "4")
        async with running(app()) as client:
            service = Callers(client, keys)
            await service.until_ready()
            user = await registered(service)

            engine.freeze()
            started = monotonic()
            read, write = await asyncio.gather(
                service.api("GET", f"/users/{user.user_id}"),
                service.workers("POST", "/events", recording(event())),
            )
            took = monotonic() - started
            engine.thaw()

            assert {read.status, write.status} <= {503, 504}
            assert took < 30, "its own time-outs, not the request's deadline of 60 s"
            await service.until_ready()
            assert (await service.api("GET", f"/users/{user.user_id}")).status == 200


class TestTimeouts:
    @pytest.mark.parametrize("limit", ["statement_timeout", "command_timeout"])
    async def test_a_slow_statement_times_out(self, settings: Settings, limit: str) -> None:
        async with Database(settings.model_copy(update={limit: 1})) as database:
            database.schema_is_ready()

            with pytest.raises(TimedOut):
                await database.row("SELECT pg_sleep(18)")

    async def test_a_lock_that_is_held_times_out(
        self, settings: Settings, database: Database
    ) -> None:
        async with (
            database.transaction() as holder,
            Database(settings.model_copy(update={"lock_timeout": 1})) as impatient,
        ):
            await holder.execute("LOCK TABLE users")
            impatient.schema_is_ready()

            with pytest.raises(TimedOut) as raised:
                await impatient.row("SELECT id FROM users")
        assert isinstance(raised.value.__cause__, asyncpg.LockNotAvailableError)

    async def test_a_pool_without_a_free_connection(self, settings: Settings) -> None:
        small = settings.model_copy(update={"pool_size": 1, "acquire_timeout": 2})
        async with Database(small) as database:
            database.schema_is_ready()
            async with database.connection():
                with pytest.raises(Unavailable, match="No connection"):
                    await database.ping()
            await database.ping()

    async def test_leaving_does_not_wait_for_statements(
        self, settings: Settings, database: Database
    ) -> None:
        impatient = settings.model_copy(
            update={"acquire_timeout": 2, "statement_timeout": 30, "command_timeout": 30}
        )
        closing = Database(impatient)
        async with closing:
            closing.schema_is_ready()
            sleeping = asyncio.create_task(closing.row("SELECT pg_sleep(25)"))
            sleeps = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%sleep(25)'"
            await until_found(database, sleeps)
        with pytest.raises(Unavailable):
            await sleeping

    async def test_before_and_after_its_life_it_is_unavailable(self, settings: Settings) -> None:
        database = Database(settings)
        database.schema_is_ready()
        with pytest.raises(Unavailable):
            await database.ping()
        await database.__aexit__()
