"""The tasks on an open worker process, inside of this one."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from celeryconfig import CONTEXTS_HEADER
from settings import Settings
from shared.kit import service_client
from shared.kit.errors import NotFound, Unavailable
from shared.kit.http import context
from shared.models.task import StartBackgroundTask
from shared.testing.uvicorn_server import served
from shared.testing.waiting import until
from task_client import TaskClient
from tasks import background, mail, worker_runtime
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


@pytest.mark.usefixtures("worker")
class TestTasks:
    async def test_mail(self, services: FakeServices, smtp: FakeSmtpServer) -> None:
        registration = services.add_registration()
        row = services.outbox.add("mail", payload={"user_id": str(registration.user_id)})
        await asyncio.to_thread(mail.mail, str(row.delivery_id))
        assert (row.state, len(smtp.mails)) == ("done", 1)

    async def test_mails_of_one_task_go_side_by_side(
        self, services: FakeServices, smtp: FakeSmtpServer
    ) -> None:
        smtp.seconds = 60
        rows = [
            services.outbox.add("mail", payload={"user_id": str(registration.user_id)})
            for registration in (services.add_registration(), services.add_registration())
        ]
        ids = [str(row.delivery_id) for row in rows]
        sending = asyncio.create_task(asyncio.to_thread(mail.mail, *ids))
        await until(lambda: smtp.under_way == 2, within=20)
        smtp.go_on.set()
        await sending
        assert [row.state for row in rows] == ["done", "done"]

    async def test_an_error_of_one_delivery_ends_no_other(self) -> None:
        ended: list[UUID] = []

        async def deliver(delivery_id: UUID) -> None:
            if not ended:
                ended.append(delivery_id)
                raise Unavailable("back-postgres")
            ended.append(delivery_id)

        first, second = uuid4(), uuid4()
        with pytest.raises(Unavailable):
            await asyncio.to_thread(
                worker_runtime.deliver_all, mail.mail, [str(first), str(second)], deliver
            )
        assert ended == [first, second]

    async def test_each_delivery_has_the_correlation_id_of_its_event(self) -> None:
        found: dict[str, str] = {}

        async def deliver(delivery_id: UUID) -> None:
            found[str(delivery_id)] = context.correlation_id()

        contexts = {str(uuid4()): (f"of-event-{number}", None) for number in range(2)}

        def run() -> None:
            mail.mail.push_request(**{CONTEXTS_HEADER: contexts})
            try:
                worker_runtime.deliver_all(mail.mail, list(contexts), deliver)
            finally:
                mail.mail.pop_request()

        await asyncio.to_thread(run)
        assert found == {
            delivery_id: correlation for delivery_id, (correlation, _) in contexts.items()
        }

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
