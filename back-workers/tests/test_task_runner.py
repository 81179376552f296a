"""Runs of background tasks: retries, limits, cancellation, lost leases, a stop of the worker."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from pydantic import JsonValue

from settings import Settings
from shared.kit.errors import NotFound, Unavailable
from shared.models.task import StartBackgroundTask, StoredTask
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from shared.testing.waiting import until
from task_client import TaskClient
from task_kinds import KINDS, KindOfTask
from task_runner import Run, TaskRunner
from tests.fake_outbox_client import FakeOutboxClient, Row
from tests.fake_services import FakeServices

Work = Callable[[Run], Awaitable[JsonValue]]


@dataclass
class Worker:
    """A runner whose task of kind `user_export` is `work`; it stops where `stopping` is set."""

    outbox: FakeOutboxClient
    services: FakeServices
    client: TaskClient
    settings: Settings
    stopping: bool = False
    work: Work | None = None
    runs: list[Run] = field(default_factory=list)

    @property
    def runner(self) -> TaskRunner:
        async def handler(run: Run) -> JsonValue:
            self.runs.append(run)
            assert self.work
            return await self.work(run)

        return TaskRunner(
            self.outbox,
            self.client,
            {"user_export": handler, "sweep_tasks": handler},
            self.settings,
            stopping=lambda: self.stopping,
        )

    async def start(self, kind: str = "user_export", owner_id: UUID | None = None) -> Row:
        start = StartBackgroundTask.model_validate(
            {"command_id": uuid4(), "task_id": uuid4(), "kind": kind, "owner_id": owner_id}
        )
        await self.client.start(start)
        return self.outbox.rows[-1]

    async def run(self, row: Row) -> StoredTask:
        row.due = 0.0
        await self.runner.deliver(row.delivery_id)
        return self.task(row)

    def task(self, row: Row) -> StoredTask:
        return self.services.tasks.tasks[row.aggregate_id]


@pytest.fixture
async def worker(
    outbox: FakeOutboxClient, services: FakeServices, keys: Identities, settings: Settings
) -> Worker:
    client = keys.client("back-workers", "back-postgres", AsgiTransport(services.app()))
    settings = settings.model_copy(update={"report_seconds": 1e-9})
    return Worker(outbox, services, TaskClient(client), settings)


class TestSuccess:
    async def test_its_result_is_kept_and_the_owner_told(self, worker: Worker) -> None:
        async def work(run: Run) -> JsonValue:
            return {"rows": 3}

        worker.work = work
        row = await worker.start(owner_id=(owner := uuid4()))
        task = await worker.run(row)
        assert (row.state, task.status, task.result) == ("done", "succeeded", {"rows": 3})
        (finished,) = [
            it.envelope
            for it in worker.services.tasks.events
            if it.envelope.event_type == "task.finished"
        ]
        assert finished.payload == {
            "user_id": str(owner),
            "task_id": str(task.id),
            "kind": "user_export",
            "status": "succeeded",
        }

    async def test_one_that_ended_before_is_not_run_again(self, worker: Worker) -> None:
        async def work(run: Run) -> JsonValue:
            return None

        worker.work = work
        row = await worker.start()
        await worker.run(row)
        row.state = "pending"  # its outcome was lost
        await worker.run(row)
        assert (row.state, len(worker.runs)) == ("done", 1)

    async def test_one_without_an_owner_publishes_nothing(self, worker: Worker) -> None:
        async def work(run: Run) -> JsonValue:
            await run.report(50)
            return None

        worker.work = work
        await worker.run(await worker.start())
        assert worker.services.tasks.types() == ["task.queued"]
        assert worker.services.recorded == {}


class TestReport:
    async def test_the_owner_is_told_of_steps_and_the_checkpoint_kept(self, worker: Worker) -> None:
        async def work(run: Run) -> JsonValue:
            async def save() -> JsonValue:
                return {"at": 7}

            for progress in range(0, 100, 2):
                await run.report(progress, save)
            assert worker.task(row).checkpoint == {"at": 7}
            return None

        worker.work = work
        row = await worker.start(owner_id=uuid4())
        await worker.run(row)
        told = [
            it.events[0].envelope.payload["progress"] for it in worker.services.recorded.values()
        ]
        assert told == [*range(5, 100, 5)]

    async def test_most_reports_are_not_sent(self, worker: Worker) -> None:
        worker.settings = worker.settings.model_copy(update={"report_seconds": 3600})

        async def work(run: Run) -> JsonValue:
            for progress in range(100):
                await run.report(progress)
            return None

        worker.work = work
        await worker.run(await worker.start())
        assert worker.services.tasks.reports == []

    async def test_one_that_can_not_be_sent_does_not_end_the_run(self, worker: Worker) -> None:
        async def work(run: Run) -> JsonValue:
            worker.services.tasks.down = Unavailable()
            await run.report(10)
            worker.services.tasks.down = None
            return None

        worker.work = work
        assert (await worker.run(await worker.start())).status == "succeeded"


class TestFailure:
    async def test_is_tried_three_times_more_and_then_for_good(self, worker: Worker) -> None:
        async def work(run: Run) -> JsonValue:
            raise ValueError("a secret")

        worker.work = work
        row = await worker.start(owner_id=uuid4())
        for attempt in (1, 2, 3):
            task = await worker.run(row)
            assert (row.state, row.attempts, task.status) == ("pending", attempt, "running")
        task = await worker.run(row)
        assert (row.state, task.status, task.error) == ("dead", "failed", "ValueError")
        assert worker.outbox.failed == {}, "nobody else waits for it"
        assert len(worker.runs) == 4

    async def test_waits_longer_each_time(self, worker: Worker) -> None:
        async def work(run: Run) -> JsonValue:
            raise NotFound(code="user_not_found")

        worker.work = work
        row = await worker.start()
        clock = asyncio.get_running_loop().time
        for longest in (10, 20, 40):
            before = clock()
            await worker.run(row)
            assert row.due - before >= 0.75 * longest
            assert row.due - clock() <= longest

    async def test_what_can_not_be_reached_costs_no_attempt(self, worker: Worker) -> None:
        async def work(run: Run) -> JsonValue:
            raise Unavailable

        worker.work = work
        row = await worker.start()
        await worker.run(row)
        assert (row.state, row.attempts, worker.outbox.postponed) == ("pending", 0, 1)

    async def test_one_beyond_its_limit_fails(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        short = {**KINDS, "user_export": KindOfTask("low", soft_seconds=0)}
        monkeypatch.setattr("task_kinds.KINDS", short)

        async def work(run: Run) -> JsonValue:
            await asyncio.Event().wait()
            return None

        worker.work = work
        worker.settings = worker.settings.model_copy(update={"task_retries": 0})
        task = await worker.run(await worker.start())
        assert (task.status, task.error) == ("failed", "timed_out")

    async def test_one_whose_workers_were_lost_ends(self, worker: Worker) -> None:
        row = await worker.start()
        row.attempts = 4
        task = await worker.run(row)
        assert (row.state, task.status, task.error) == ("dead", "failed", "worker_lost")
        assert worker.runs == []

    async def test_one_whose_delivery_is_dead_is_failed_by_the_sweep(self, worker: Worker) -> None:
        row = await worker.start(owner_id=uuid4())
        assert await worker.client.fail_lost() == 0

        row.state = "dead"
        assert await worker.client.fail_lost() == 1
        assert await worker.client.fail_lost() == 0
        task = worker.task(row)
        assert (task.status, task.error) == ("failed", "worker_lost")
        assert worker.services.tasks.types()[-1] == "task.finished"

    async def test_a_kind_that_is_not_known_waits_for_a_newer_worker(self, worker: Worker) -> None:
        row = await worker.start()
        tasks = worker.services.tasks.tasks
        tasks[row.aggregate_id] = worker.task(row).model_copy(update={"kind": "unheard_of"})
        await worker.run(row)
        assert (row.state, row.attempts) == ("pending", 1)

    async def test_a_task_that_is_gone_is_a_dead_letter(self, worker: Worker) -> None:
        row = await worker.start()
        worker.services.tasks.tasks.clear()
        row.due = 0.0
        await worker.runner.deliver(row.delivery_id)
        assert row.state == "dead"

    async def test_one_that_goes_while_it_runs_just_ends(self, worker: Worker) -> None:
        async def work(run: Run) -> JsonValue:
            worker.services.tasks.tasks.clear()
            await run.report(5)
            return None

        worker.work = work
        row = await worker.start()
        await worker.runner.deliver(row.delivery_id)
        assert row.state == "done"


class TestCancel:
    async def test_a_run_ends_at_its_next_report(self, worker: Worker) -> None:
        async def work(run: Run) -> JsonValue:
            await worker.client.cancel(run.task_id)
            await run.report(5)
            raise AssertionError("it went on")

        worker.work = work
        row = await worker.start()
        task = await worker.run(row)
        assert (row.state, task.status) == ("done", "cancelled")

    async def test_a_run_that_reports_nothing_ends_with_the_next_renewal(
        self, worker: Worker
    ) -> None:
        async def work(run: Run) -> JsonValue:
            await worker.client.cancel(run.task_id)
            await asyncio.Event().wait()
            return None

        worker.work = work
        worker.settings = worker.settings.model_copy(update={"lease_seconds": 0.05})
        row = await worker.start()
        assert (await worker.run(row)).status == "cancelled"

    async def test_a_queued_one_never_runs(self, worker: Worker) -> None:
        row = await worker.start(owner_id=uuid4())
        await worker.client.cancel(row.aggregate_id)
        task = await worker.run(row)
        assert (row.state, task.status, worker.runs) == ("done", "cancelled", [])

    async def test_one_that_was_asked_while_no_worker_ran_it(self, worker: Worker) -> None:
        async def work(run: Run) -> JsonValue:
            raise ValueError

        worker.work = work
        row = await worker.start()
        await worker.run(row)
        await worker.client.cancel(row.aggregate_id)
        task = await worker.run(row)
        assert (row.state, task.status, len(worker.runs)) == ("done", "cancelled", 1)


class TestStop:
    async def test_a_resumable_run_is_given_back_with_its_checkpoint(self, worker: Worker) -> None:
        worker.settings = worker.settings.model_copy(update={"report_seconds": 3600})

        async def work(run: Run) -> JsonValue:
            async def save() -> JsonValue:
                return {"at": 7}

            worker.stopping = True
            await run.report(40, save)
            raise AssertionError("it went on")

        worker.work = work
        row = await worker.start()
        task = await worker.run(row)
        assert (row.state, row.attempts, worker.outbox.paused) == ("pending", 0, {})
        assert (task.status, task.progress, task.checkpoint) == ("running", 40, {"at": 7})

        async def rest(run: Run) -> JsonValue:
            return run.checkpoint

        worker.stopping, worker.work = False, rest
        assert (await worker.run(row)).result == {"at": 7}

    async def test_any_other_one_is_finished(self, worker: Worker) -> None:
        async def work(run: Run) -> JsonValue:
            worker.stopping = True
            await run.report(40)
            return None

        worker.work = work
        assert (await worker.run(await worker.start("sweep_tasks"))).status == "succeeded"


class TestLease:
    async def test_whoever_lost_it_changes_nothing(self, worker: Worker) -> None:
        taken, go_on = asyncio.Event(), asyncio.Event()

        async def work(run: Run) -> JsonValue:
            taken.set()
            await go_on.wait()
            await run.report(90)
            return None

        worker.work = work
        row = await worker.start()
        row.due = 0.0
        running = asyncio.create_task(worker.runner.deliver(row.delivery_id))
        await until(taken.is_set)
        row.lease_token = uuid4()
        go_on.set()
        await running
        task = worker.task(row)
        assert (row.state, task.status, task.progress) == ("leased", "running", 0)
