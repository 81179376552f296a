import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

import broker as broker_module
from broker import Broker
from celeryconfig import configuration
from settings import Settings
from shared.kit.errors import Unavailable
from shared.models.event import Delivery
from tests.broker_processes import broker_address
from tests.fake_outbox_client import FakeOutboxClient


@pytest.fixture
def reachable(settings: Settings) -> Settings:
    """Settings for a broker that is there, and empty."""
    address = broker_address()
    address.empty()
    (settings.secrets_dir / "broker.password").write_text(address.password)
    at = {
        "broker_host": address.host,
        "broker_port": address.port,
        "broker_user": address.user,
        "broker_timeout": 5,
    }
    return settings.model_copy(update=at)


@pytest.fixture
async def real(reachable: Settings) -> AsyncIterator[Broker]:
    async with Broker(reachable) as broker:
        yield broker


@pytest.fixture
async def delivery(outbox: FakeOutboxClient) -> Delivery:
    outbox.add("mail")
    (delivery,) = await outbox.claim(["mail"], limit=1, wait_seconds=0)
    return delivery


class TestWakeMail:
    async def test_wakes_a_worker(self, real: Broker, delivery: Delivery) -> None:
        await real.notify_mail([delivery])
        assert real._waiting("mail") == 1

    async def test_mails_share_tasks(self, real: Broker, outbox: FakeOutboxClient) -> None:
        for _ in range(broker_module.MAILS_A_TASK + 1):
            outbox.add("mail")
        claimed = await outbox.claim(["mail"], limit=50, wait_seconds=0)
        await real.notify_mail(claimed)
        assert (len(claimed), real._waiting("mail")) == (broker_module.MAILS_A_TASK + 1, 2)

    async def test_does_not_fill_a_broker_that_nobody_empties(
        self, real: Broker, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(broker_module, "NOTIFICATIONS_MAX", 2)
        await real.notify_mail([delivery])
        await real.notify_mail([delivery])
        with pytest.raises(Unavailable):
            await real.notify_mail([delivery])
        assert real._waiting("mail") == 2


class TestFirstCalls:
    async def test_many_at_once_reach_the_broker(
        self, reachable: Settings, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def slowly(settings: Settings) -> dict[str, object]:
            time.sleep(0.05)  # noqa: TID251 - the delay is what is tested
            return configuration(settings)

        monkeypatch.setattr(broker_module, "configuration", slowly)
        async with Broker(reachable) as broker:
            await asyncio.gather(*(broker.notify_mail([delivery]) for _ in range(4)))
            assert broker._waiting("mail") == 4


class TestNotifyTasks:
    async def test_each_kind_has_its_queue(self, real: Broker, outbox: FakeOutboxClient) -> None:
        for kind in ("user_export", "sweep_tasks", "unheard_of"):
            outbox.add("tasks", "task.queued", payload={"task_id": str(uuid4()), "kind": kind})
        await real.notify_tasks(await outbox.claim(["tasks"], limit=9, wait_seconds=0))
        waiting = {queue: real._waiting(queue) for queue in ("mail", "high", "medium", "low")}
        assert waiting == {"mail": 0, "high": 0, "medium": 1, "low": 2}


class TestOut:
    async def test_every_call_is_unavailable_in_time(
        self, broker: Broker, delivery: Delivery
    ) -> None:
        for call in (
            broker.ping(),
            broker.notify_mail([delivery]),
            broker.notify_tasks([delivery]),
        ):
            async with asyncio.timeout(10):
                with pytest.raises(Unavailable):
                    await call

    async def test_a_broker_that_hangs_does_not_hold_up_the_loop(
        self, settings: Settings, delivery: Delivery
    ) -> None:
        connected: list[asyncio.StreamWriter] = []

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connected.append(writer)

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, Broker(settings.model_copy(update={"broker_port": port})) as broker:
            async with asyncio.timeout(10):
                with pytest.raises(Unavailable):
                    await broker.notify_mail([delivery])
            for writer in connected:
                writer.close()
                await writer.wait_closed()


class TestPing:
    async def test_a_broker_that_is_there_answers(self, real: Broker) -> None:
        await real.ping()
