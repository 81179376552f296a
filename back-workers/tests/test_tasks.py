"""The tasks on an open worker process, inside of this one."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from celeryconfig import CONTEXTS_HEADER
from settings import Settings
from shared.kit import service_client
from shared.kit.errors import NotFound
from shared.kit.http import context
from shared.models.task import StartBackgroundTask
from shared.testing.uvicorn_server import served
from shared.testing.waiting import until
from task_client import TaskClient
from tasks import background, mail, worker_runtime
from tests.fake_outbox_client import Row
from tests.fake_services import FakeServices
from tests.fake_smtp_server import FakeSmtpServer


@pytest.fixture
async def worker(
    services: FakeServices,
    settings: Settings,
    smtp: FakeSmtpServer,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[None]:
    async with served(services.app()) as url:
        monkeypatch.setenv("BACK_POSTGRES_URL", url)
        monkeypatch.setenv("BACK_AUTH_URL", url)
        monkeypatch.setenv("SMTP_PORT", str(smtp.port))
        monkeypatch.setenv("UNCLAIMED_CREDENTIAL_SECONDS", "7200")
        await asyncio.to_thread(worker_runtime._open)
        yield
        await asyncio.to_thread(worker_runtime._close)


def _registration(services: FakeServices) -> Row:
    registration = services.add_registration()
    return services.outbox.add("mail", payload={"user_id": str(registration.user_id)})


@pytest.mark.usefixtures("worker")
class TestTasks:
    async def test_mail(self, services: FakeServices, smtp: FakeSmtpServer) -> None:
        row = _registration(services)
        await asyncio.to_thread(mail.mail, str(row.delivery_id))
        await until(lambda: row.state == "done", within=20)
        assert len(smtp.mails) == 1

    async def test_a_mail_task_ends_when_its_mails_have_begun(
        self, services: FakeServices, smtp: FakeSmtpServer
    ) -> None:
        smtp.seconds = 60
        rows = [_registration(services) for _ in range(3)]
        first, second, third = (str(row.delivery_id) for row in rows)
        worker_runtime.worker_runtime()._places = asyncio.Semaphore(2)
        await asyncio.to_thread(mail.mail, first, second)
        waiting = asyncio.create_task(asyncio.to_thread(mail.mail, third))
        await until(lambda: smtp.under_way == 2, within=20)
        assert (waiting.done(), rows[2].state) == (False, "pending")
        smtp.go_on.set()
        await waiting
        await until(lambda: [row.state for row in rows] == ["done"] * 3, within=20)

    async def test_a_process_that_ends_sends_its_mails(
        self, services: FakeServices, smtp: FakeSmtpServer
    ) -> None:
        smtp.seconds = 60
        row = _registration(services)
        await asyncio.to_thread(mail.mail, str(row.delivery_id))
        closing = asyncio.create_task(asyncio.to_thread(worker_runtime._close))
        await until(lambda: smtp.under_way == 1, within=20)
        assert not closing.done()
        smtp.go_on.set()
        await closing
        assert (row.state, len(smtp.mails)) == ("done", 1)

    async def test_each_delivery_has_the_correlation_id_of_its_event(self) -> None:
        found: dict[str, str] = {}

        async def deliver(delivery_id: UUID) -> None:
            found[str(delivery_id)] = context.correlation_id()

        contexts = {str(uuid4()): (f"of-event-{number}", None) for number in range(2)}

        def run() -> None:
            mail.mail.push_request(**{CONTEXTS_HEADER: contexts})
            try:
                for delivery_id in contexts:
                    worker_runtime.worker_runtime().run(
                        worker_runtime.handling(mail.mail, delivery_id, deliver)
                    )
            finally:
                mail.mail.pop_request()

        await asyncio.to_thread(run)
        assert found == {it: correlation for it, (correlation, _) in contexts.items()}

    async def test_background_task(self, services: FakeServices) -> None:
        start = StartBackgroundTask(
            command_id=uuid4(), task_id=uuid4(), kind="sweep_credentials", owner_id=uuid4()
        )
        async with served(services.app()) as url:
            settings = worker_runtime.worker_runtime().settings
            async with service_client(settings, "back-postgres", url) as postgres:
                await TaskClient(postgres).start(start)
        (row,) = services.outbox.rows
        await asyncio.to_thread(background.background_task, str(row.delivery_id))
        task = services.tasks.tasks[start.task_id]
        assert (row.state, task.status, task.result) == ("done", "succeeded", {"removed": 3})
        assert services.swept == [7200]

    async def test_the_outbox_is_swept_until_nothing_is_left(self, services: FakeServices) -> None:
        services.outbox_sweeps = [10_000, 10_000, 3]
        start = StartBackgroundTask(command_id=uuid4(), task_id=uuid4(), kind="sweep_outbox")
        async with served(services.app()) as url:
            settings = worker_runtime.worker_runtime().settings
            async with service_client(settings, "back-postgres", url) as postgres:
                await TaskClient(postgres).start(start)
        (row,) = services.outbox.rows
        await asyncio.to_thread(background.background_task, str(row.delivery_id))
        removed = {"deliveries": 20_003, "events": 20_003, "commands": 0}
        assert services.tasks.tasks[start.task_id].result == removed
        assert services.swept_outbox == [604_800] * 4

    async def test_an_error_comes_back_to_the_task(self, services: FakeServices) -> None:
        async def missing() -> None:
            raise NotFound

        with pytest.raises(NotFound):
            await asyncio.to_thread(lambda: worker_runtime.worker_runtime().run(missing()))
