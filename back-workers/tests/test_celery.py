"""The worker and beat as they are run, on a real broker."""

import asyncio
import csv
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import pytest

from exports.export_file import path_of
from relay.__main__ import relay
from settings import Settings
from shared.models.event import Command
from shared.models.task import NewTask, StoredTask, TaskQueued
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
LEASE_SECONDS = 5
START_SECONDS = 60
"""What a worker may take to start on a busy machine."""


@dataclass(frozen=True)
class Stack:
    """A relay that runs, everything that it talks to, and the environment of a worker."""

    env: dict[str, str]
    services: FakeServices
    smtp: FakeSmtpServer
    heartbeats: Path
    exports: Path

    def registration(self) -> Row:
        registration = self.services.add_registration()
        return self.services.outbox.add("mail", payload={"user_id": str(registration.user_id)})

    def export(self) -> Row:
        """Start an export; its delivery."""
        new = NewTask(task_id=uuid4(), kind="user_export", owner_id=uuid4())
        command = Command.with_event(
            "task.queued",
            TaskQueued(task_id=new.task_id, kind=new.kind),
            data=new,
            aggregate_id=new.task_id,
            correlation_id="a-test",
        )
        self.services.tasks.create(command)
        return self.services.outbox.rows[-1]

    def task(self, row: Row) -> StoredTask:
        return self.services.tasks.tasks[row.aggregate_id]

    def exported(self, row: Row) -> list[str]:
        """The ids in the file of a task."""
        path = path_of(self.exports, row.aggregate_id)
        with path.open(encoding="utf-8-sig", newline="") as text:
            return [line["id"] for line in csv.DictReader(text)]

    @asynccontextmanager
    async def held(
        self, *, at_page: int, output: BinaryIO | None = None
    ) -> AsyncIterator[subprocess.Popen[bytes]]:
        """A worker that has asked for a page of an export, and gets no answer."""
        self.services.held.clear()
        self.services.held_at = at_page
        with process(*WORKER, env=self.env, output=output) as worker:
            await until(self.services.held.is_set, within=START_SECONDS)
            yield worker


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
            "EXPORTS_DIR": str(tmp_path / "exports"),
            "EXPORT_PAGE": "100",
            "REPORT_SECONDS": "0.001",
        }
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        stopping = asyncio.Event()
        relaying = asyncio.create_task(relay(Settings(), stopping))
        yield Stack(env, services, smtp, tmp_path, tmp_path / "exports")
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


class TestUserExport:
    @pytest.mark.timeout(180)
    async def test_a_worker_killed_twice_leaves_no_gap_and_no_line_twice(
        self, stack: Stack
    ) -> None:
        stack.services.add_users(20_000)
        row = stack.export()
        for held_at in (40, 120):
            async with stack.held(at_page=held_at) as worker:
                kill(worker)
            assert (row.state, stack.task(row).status) == ("leased", "running")
        with process(*WORKER, env=stack.env):
            await until(lambda: row.state == "done", within=START_SECONDS)
        assert stack.exported(row) == [str(user.id) for user in stack.services.users]
        assert (stack.task(row).status, row.attempts) == ("succeeded", 2)
        assert stack.services.pages < 300, "it began at the checkpoint each time"

    async def test_a_worker_that_is_told_to_stop_gives_it_back(
        self, stack: Stack, tmp_path: Path
    ) -> None:
        stack.services.add_users(3000)
        row = stack.export()
        printed = tmp_path / "printed"
        with printed.open("wb") as output:
            async with stack.held(at_page=20, output=output) as worker:
                worker.send_signal(signal.SIGTERM)
                await until(lambda: b"Warm shutdown" in printed.read_bytes(), within=20)
                stack.services.go_on.set()
                await until(lambda: worker.poll() is not None, within=20)
                assert worker.returncode == 0
        assert row.attempts == 0
        checkpoint = stack.task(row).checkpoint
        assert isinstance(checkpoint, dict)
        rows = checkpoint["rows"]
        assert isinstance(rows, int)
        assert 2000 <= rows < 3000
        with process(*WORKER, env=stack.env):
            await until(lambda: row.state == "done", within=START_SECONDS)
        assert stack.exported(row) == [str(user.id) for user in stack.services.users]

    async def test_a_cancelled_one_ends_within_seconds(self, stack: Stack) -> None:
        stack.services.add_users(3000)
        row = stack.export()
        async with stack.held(at_page=20):
            task = stack.task(row)
            stack.services.tasks.tasks[task.id] = task.model_copy(
                update={"cancel_requested_at": task.created_at}
            )
            await until(lambda: row.state == "done", within=10)
        assert stack.task(row).status == "cancelled"


class TestBroker:
    async def test_a_broker_lost_with_all_hands_full_is_found_again(self, stack: Stack) -> None:
        stack.smtp.seconds = 60
        first = stack.registration()
        broker = broker_address()
        async with TcpProxy(broker.host, broker.port) as proxy:
            with process(
                *WORKER,
                env={**stack.env, "BROKER_HOST": "127.0.0.1", "BROKER_PORT": str(proxy.port)},
            ):
                await until(lambda: stack.smtp.under_way == 1, within=START_SECONDS)
                second = stack.registration()  # a task of its own, for the other process
                await until(lambda: stack.smtp.under_way == 2, within=START_SECONDS)
                await proxy.stop()
                stack.smtp.go_on.set()
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
            await until(lambda: stack.services.tasks.swept, within=START_SECONDS)
            for name in ("relay", "celery", "beat"):
                file = stack.heartbeats / f"back-workers-{name}.heartbeat"
                await until(file.exists, within=START_SECONDS)
        assert set(stack.services.swept) == {86400}

    async def test_of_two_one_starts_each_tick_and_the_other_goes_on_without_it(
        self, stack: Stack
    ) -> None:
        tasks = stack.services.tasks
        env = {**stack.env, "SWEEP_INTERVAL_SECONDS": "1", "BEAT_LEASE_SECONDS": "6"}
        with process(*BEAT, env=env) as first:
            await until(lambda: tasks.tasks, within=START_SECONDS)
            with process(*BEAT, env=env):
                await until(lambda: len(tasks.asking) == 2, within=START_SECONDS)
                before = len(tasks.tasks)
                await until(lambda: len(tasks.tasks) >= before + 6, within=START_SECONDS)
                assert len(set(tasks.asked_for)) == len(tasks.asked_for)
                ((leader, _),) = tasks.holders.values()
                kill(first)
                await until(lambda: tasks.holders["beat"][0] != leader, within=START_SECONDS)
                before = len(tasks.tasks)
                await until(lambda: len(tasks.tasks) >= before + 6, within=START_SECONDS)
        assert tasks.types().count("task.queued") == len(tasks.tasks)
        assert len(tasks.tasks) == len(set(tasks.asked_for))
