"""The worker and beat as they are run, on a real broker."""

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from relay.__main__ import relay
from settings import Settings
from shared.testing.identities import Identities
from shared.testing.tcp_proxy import TcpProxy
from shared.testing.uvicorn_server import served
from shared.testing.waiting import until
from tests.broker_processes import broker_address, kill, process
from tests.fake_outbox_client import Row
from tests.fake_services import FakeServices
from tests.fake_smtp_server import FakeSmtpServer

WORKER = (
    *("celery", "--quiet", "-A", "celeryconfig", "worker"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat"),
)
BEAT = ("celery", "--quiet", "-A", "celeryconfig", "beat")
LEASE_SECONDS = 2
START_SECONDS = 40
"""What a worker may take to start on a busy machine."""


@dataclass(frozen=True)
class Stack:
    """A relay that runs, everything that it talks to, and the environment of a worker."""

    env: dict[str, str]
    services: FakeServices
    smtp: FakeSmtpServer
    heartbeats: Path

    def registration(self) -> Row:
        registration = self.services.add_registration()
        return self.services.outbox.add("mail", payload={"user_id": str(registration.user_id)})


@pytest.fixture
async def stack(
    keys: Identities,
    services: FakeServices,
    smtp: FakeSmtpServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Stack]:
    broker = broker_address()
    broker.empty()
    (tmp_path / "secrets" / "back-workers" / "broker.password").write_text(broker.password)
    async with served(services.app()) as url:
        env = {
            **keys.env("back-workers"),
            "BROKER_HOST": broker.host,
            "BROKER_PORT": str(broker.port),
            "BROKER_USER": broker.user,
            "BACK_API_URL": url,
            "BACK_POSTGRES_URL": url,
            "BACK_AUTH_URL": url,
            "BACK_CASSANDRA_URL": url,
            "BACK_REDIS_URL": url,
            "SMTP_PORT": str(smtp.port),
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "CLAIM_WAIT_SECONDS": "1",
            "HEARTBEAT_DIR": str(tmp_path),
            "TMPDIR": str(tmp_path),
        }
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        stopping = asyncio.Event()
        relaying = asyncio.create_task(relay(Settings(), stopping))
        yield Stack(env, services, smtp, tmp_path)
        stopping.set()
        await relaying


class TestMail:
    async def test_a_worker_killed_in_the_middle_of_a_mail_costs_only_time(
        self, stack: Stack
    ) -> None:
        stack.smtp.seconds = 60
        row = stack.registration()
        with process(*WORKER, env=stack.env) as worker:
            await until(stack.smtp.arriving.is_set, within=START_SECONDS)
            kill(worker)
        assert (row.state, stack.smtp.mails) == ("leased", [])
        stack.smtp.seconds = 0
        with process(*WORKER, env=stack.env):
            await until(lambda: row.state == "done", within=START_SECONDS)
        assert len(stack.smtp.mails) == 1

    async def test_a_worker_that_is_told_to_stop_finishes_its_mail(self, stack: Stack) -> None:
        stack.smtp.seconds = 1
        row = stack.registration()
        with process(*WORKER, env=stack.env) as worker:
            await until(stack.smtp.arriving.is_set, within=START_SECONDS)
            worker.send_signal(signal.SIGTERM)
            await until(lambda: worker.poll() is not None, within=20)
        assert (row.state, len(stack.smtp.mails), worker.returncode) == ("done", 1, 0)


class TestBroker:
    async def test_a_broker_lost_with_all_hands_full_is_found_again(self, stack: Stack) -> None:
        stack.smtp.seconds = 1
        first, second = stack.registration(), stack.registration()
        broker = broker_address()
        async with TcpProxy(broker.host, broker.port) as proxy:
            with process(
                *WORKER,
                env={**stack.env, "BROKER_HOST": "127.0.0.1", "BROKER_PORT": str(proxy.port)},
            ):
                await until(lambda: stack.smtp.under_way == 2, within=START_SECONDS)
                await proxy.stop()
                await until(lambda: (first.state, second.state) == ("done", "done"))
                await proxy.start()
                third = stack.registration()
                await until(lambda: third.state == "done", within=20)


class TestBeat:
    async def test_the_maintenance_task_runs_on_schedule_and_all_send_heartbeats(
        self, stack: Stack
    ) -> None:
        env = {**stack.env, "SWEEP_INTERVAL_SECONDS": "1"}
        with process(*WORKER, env=env), process(*BEAT, env=env):
            await until(lambda: stack.services.swept, within=START_SECONDS)
            for name in ("relay", "celery", "beat"):
                file = stack.heartbeats / f"back-workers-{name}.heartbeat"
                await until(file.exists, within=START_SECONDS)
        assert set(stack.services.swept) == {86400}
        assert stack.services.tasks.swept
