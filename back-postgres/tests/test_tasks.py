from uuid import UUID, uuid4

import pytest

from database import Database
from shared.models.event import Command, Deliveries, Delivery, NewEvent, Nothing
from shared.models.task import (
    BeginTask,
    CancelTask,
    FinalStatus,
    FinishTask,
    HoldNamedLease,
    NamedLeaseHeld,
    NewTask,
    ReportTask,
    StoredTask,
    StoredTasks,
    TaskFinished,
    TaskQueued,
)
from shared.testing.asgi_client import AsgiReply
from tests.builders import registered
from tests.callers import Callers


def queueing(owner_id: UUID | None = None, kind: str = "user_export") -> Command[NewTask]:
    new = NewTask(task_id=uuid4(), kind=kind, owner_id=owner_id, params={"a": [1]})
    return Command.with_event(
        "task.queued",
        TaskQueued(task_id=new.task_id, kind=new.kind),
        data=new,
        aggregate_id=new.task_id,
        correlation_id="a-test",
    )


async def queued(
    service: Callers, owner_id: UUID | None = None, kind: str = "user_export"
) -> StoredTask:
    reply = await service.workers("POST", "/tasks", queueing(owner_id, kind))
    assert reply.status == 201, reply.text
    return StoredTask.model_validate_json(reply.body)


async def taken(service: Callers, *, lease_seconds: float = 8) -> BeginTask:
    """A run of the one task that is due, with the lease of its delivery."""
    claim = {"consumers": ["tasks"], "lease_seconds": lease_seconds}
    reply = await service.workers("POST", "/deliveries/claim", claim)
    (claimed,) = Deliveries.model_validate_json(reply.body).items
    path = f"/deliveries/{claimed.delivery_id}/take"
    reply = await service.workers("POST", path, {"lease_seconds": lease_seconds})
    delivery = Delivery.model_validate_json(reply.body)
    return BeginTask(delivery_id=delivery.delivery_id, lease_token=delivery.lease_token)


async def begun(service: Callers, task: StoredTask) -> BeginTask:
    run = await taken(service)
    reply = await service.workers("POST", f"/tasks/{task.id}/begin", run)
    assert reply.status == 200, reply.text
    return run


def ending(task: StoredTask, run: BeginTask, status: FinalStatus) -> Command[FinishTask]:
    data = FinishTask(
        **run.model_dump(),
        status=status,
        result={"rows": 3} if status == "succeeded" else None,
        error="timed_out" if status == "failed" else None,
    )
    finished = TaskFinished(user_id=uuid4(), task_id=task.id, kind=task.kind, status=status)
    event = NewEvent.of(
        "task.finished",
        finished,
        aggregate_id=task.id,
        command_id=(command_id := uuid4()),
        correlation_id="a-test",
    )
    return Command(command_id=command_id, data=data, events=[event])


async def read(service: Callers, task: StoredTask) -> StoredTask:
    reply = await service.workers("GET", f"/tasks/{task.id}")
    assert reply.status == 200, reply.text
    return StoredTask.model_validate_json(reply.body)


def code_of(reply: AsgiReply) -> tuple[int, str]:
    return reply.status, str(reply.json()["code"])


class TestCreate:
    async def test_it_waits_with_a_delivery_for_a_worker(self, service: Callers) -> None:
        owner = await registered(service)
        task = await queued(service, owner.user_id)

        assert (task.status, task.progress, task.attempts) == ("queued", 0, 0)
        assert (task.owner_id, task.params) == (owner.user_id, {"a": [1]})
        assert await read(service, task) == task
        assert (await taken(service)).delivery_id

    async def test_a_repeat_starts_nothing_more(self, service: Callers) -> None:
        command = queueing()
        first = await service.workers("POST", "/tasks", command)
        again = await service.workers("POST", "/tasks", command)
        other = await service.workers(
            "POST", "/tasks", command.model_copy(update={"command_id": uuid4(), "events": []})
        )

        assert (again.status, again.body) == (201, first.body)
        assert code_of(other) == (409, "task_exists")

    async def test_needs_its_owner_to_exist(self, service: Callers) -> None:
        reply = await service.workers("POST", "/tasks", queueing(uuid4()))

        assert code_of(reply) == (404, "user_not_found")

    async def test_an_unknown_one_is_not_found(self, service: Callers) -> None:
        reply = await service.workers("GET", f"/tasks/{uuid4()}")

        assert code_of(reply) == (404, "task_not_found")


class TestPage:
    async def test_newest_first_without_a_gap(self, service: Callers) -> None:
        owner = (await registered(service)).user_id
        tasks = [await queued(service, owner) for _ in range(5)]
        await queued(service)

        found: list[UUID] = []
        before = ""
        while True:
            path = f"/tasks?owner_id={owner}&limit=2{before}"
            page = StoredTasks.model_validate_json((await service.workers("GET", path)).body)
            found += [task.id for task in page.items]
            if page.next is None:
                break
            before = f"&before={page.next}"
        assert found == [task.id for task in reversed(tasks)]

    async def test_of_all_owners(self, service: Callers) -> None:
        tasks = [await queued(service, (await registered(service)).user_id) for _ in range(2)]

        first = StoredTasks.model_validate_json(
            (await service.workers("GET", "/tasks?limit=1")).body
        )
        rest = StoredTasks.model_validate_json(
            (await service.workers("GET", f"/tasks?before={first.next}")).body
        )
        assert [it.id for it in first.items + rest.items] == [tasks[1].id, tasks[0].id]

    @pytest.mark.parametrize("of_owner", [True, False])
    async def test_of_a_kind(self, service: Callers, *, of_owner: bool) -> None:
        owner, asked, other = (await registered(service)).user_id, uuid4().hex, uuid4().hex
        tasks = [await queued(service, owner, it) for it in (asked, other, asked, other)]
        path = f"/tasks?kind={asked}&limit=1" + (f"&owner_id={owner}" if of_owner else "")

        first = StoredTasks.model_validate_json((await service.workers("GET", path)).body)
        rest = StoredTasks.model_validate_json(
            (await service.workers("GET", f"{path}&before={first.next}")).body
        )

        assert [it.id for it in first.items + rest.items] == [tasks[2].id, tasks[0].id]
        assert rest.next is None

    async def test_what_is_no_cursor_is_refused(self, service: Callers) -> None:
        for cursor in ("yesterday", "MjAyNi0wMS0wMVQwMDowMDowMCB4"):
            reply = await service.workers("GET", f"/tasks?before={cursor}")
            assert code_of(reply) == (400, "cursor_invalid")


class TestRun:
    async def test_begin_report_finish(self, service: Callers) -> None:
        task = await queued(service)
        run = await begun(service, task)
        report = ReportTask(**run.model_dump(), progress=40, checkpoint={"after": 7})
        reply = await service.workers("POST", f"/tasks/{task.id}/report", report)
        assert (reply.status, reply.json()) == (200, {"cancel_requested": False})
        running = await read(service, task)
        assert (running.status, running.progress, running.attempts) == ("running", 40, 1)
        assert running.checkpoint == {"after": 7}

        command = ending(task, run, "succeeded")
        first = await service.workers("POST", f"/tasks/{task.id}/finish", command)
        again = await service.workers("POST", f"/tasks/{task.id}/finish", command)

        ended = StoredTask.model_validate_json(first.body)
        assert (ended.status, ended.progress, ended.result) == ("succeeded", 100, {"rows": 3})
        assert ended.finished_at is not None
        assert again.body == first.body

    async def test_progress_and_checkpoint_stay_where_a_report_has_none(
        self, service: Callers
    ) -> None:
        task = await queued(service)
        run = await begun(service, task)
        path = f"/tasks/{task.id}/report"
        await service.workers(
            "POST", path, ReportTask(**run.model_dump(), progress=40, checkpoint="here")
        )
        await service.workers("POST", path, ReportTask(**run.model_dump()))
        await service.workers("POST", path, ReportTask(**run.model_dump(), progress=10))

        found = await read(service, task)
        assert (found.progress, found.checkpoint) == (40, "here")

    async def test_a_worker_that_lost_its_lease_changes_nothing(
        self, service: Callers, database: Database
    ) -> None:
        task = await queued(service)
        lost = await begun(service, task)
        await database.rows("UPDATE deliveries SET due_at = now() - interval '1 s'")
        held = await begun(service, task)

        for reply in (
            await service.workers("POST", f"/tasks/{task.id}/begin", lost),
            await service.workers(
                "POST", f"/tasks/{task.id}/report", ReportTask(**lost.model_dump(), progress=99)
            ),
            await service.workers("POST", f"/tasks/{task.id}/finish", ending(task, lost, "failed")),
        ):
            assert code_of(reply) == (409, "lease_lost")
        found = await read(service, task)
        assert (found.status, found.progress, found.attempts) == ("running", 0, 2)
        done = ending(task, held, "succeeded")
        assert (await service.workers("POST", f"/tasks/{task.id}/finish", done)).status == 200

    async def test_the_lease_of_another_task_does_not_count(self, service: Callers) -> None:
        first = await queued(service)
        run = await begun(service, first)
        second = await queued(service)

        reply = await service.workers("POST", f"/tasks/{second.id}/begin", run)
        assert code_of(reply) == (409, "lease_lost")

    async def test_a_report_renews_the_lease(self, service: Callers, database: Database) -> None:
        task = await queued(service)
        run = await begun(service, task)
        await database.rows("UPDATE deliveries SET due_at = now() + interval '1 s'")
        await service.workers(
            "POST", f"/tasks/{task.id}/report", ReportTask(**run.model_dump(), lease_seconds=50)
        )

        row = await database.row("SELECT due_at > now() + interval '40 s' AS far FROM deliveries")
        assert row
        assert row["far"]

    async def test_one_that_ended_is_not_run_again(self, service: Callers) -> None:
        task = await queued(service)
        run = await begun(service, task)
        await service.workers("POST", f"/tasks/{task.id}/finish", ending(task, run, "failed"))

        again = await service.workers("POST", f"/tasks/{task.id}/begin", run)
        assert (again.json()["status"], again.json()["attempts"]) == ("failed", 1)
        reply = await service.workers(
            "POST", f"/tasks/{task.id}/report", ReportTask(**run.model_dump())
        )
        assert code_of(reply) == (404, "task_not_found")


class TestCancel:
    async def test_a_queued_one_ends_at_once_and_never_runs(self, service: Callers) -> None:
        task = await queued(service)
        cancel = Command[CancelTask](
            command_id=uuid4(), expected_version=task.version, data=CancelTask(at_once=True)
        )
        reply = await service.workers("POST", f"/tasks/{task.id}/cancel", cancel)
        assert (reply.status, reply.json()["status"]) == (200, "cancelled")

        begin = await service.workers("POST", f"/tasks/{task.id}/begin", await taken(service))
        assert (begin.json()["status"], begin.json()["attempts"]) == ("cancelled", 0)

    async def test_a_running_one_learns_it_with_its_next_report(self, service: Callers) -> None:
        task = await queued(service)
        run = await begun(service, task)
        at_once, asked = (
            Command[CancelTask](command_id=uuid4(), data=CancelTask(at_once=at_once))
            for at_once in (True, False)
        )
        refused = await service.workers("POST", f"/tasks/{task.id}/cancel", at_once)
        assert code_of(refused) == (409, "stale_version")
        reply = await service.workers("POST", f"/tasks/{task.id}/cancel", asked)
        assert (reply.status, reply.json()["status"]) == (200, "running")
        report = await service.workers(
            "POST", f"/tasks/{task.id}/report", ReportTask(**run.model_dump())
        )
        assert report.json() == {"cancel_requested": True}


class TestSweep:
    async def test_removes_what_ended_long_ago(self, service: Callers, database: Database) -> None:
        old = await queued(service)
        run = await begun(service, old)
        await service.workers("POST", f"/tasks/{old.id}/finish", ending(old, run, "succeeded"))
        await database.rows("UPDATE tasks SET finished_at = now() - interval '2 days'")
        waiting = await queued(service)

        body = {"older_than_seconds": 86400}
        swept = await service.workers("POST", "/tasks/sweep", body)
        assert swept.json() == {"removed": 1}
        assert (await read(service, waiting)).status == "queued"
        assert (await service.workers("GET", f"/tasks/{old.id}")).status == 404

    async def test_fails_what_no_worker_could_run(
        self, service: Callers, database: Database
    ) -> None:
        task = await queued(service)
        await database.rows("UPDATE deliveries SET state = 'dead'")

        lost = StoredTasks.model_validate_json((await service.workers("GET", "/tasks/lost")).body)
        assert [it.id for it in lost.items] == [task.id]

        lose = Command[Nothing](command_id=uuid4(), data=Nothing())
        reply = await service.workers("POST", f"/tasks/{task.id}/lose", lose)
        assert (reply.status, reply.json()["error"]) == (200, "worker_lost")
        assert (await service.workers("GET", "/tasks/lost")).json()["items"] == []
        again = Command[Nothing](command_id=uuid4(), data=Nothing())
        refused = await service.workers("POST", f"/tasks/{task.id}/lose", again)
        assert code_of(refused) == (404, "task_not_lost")

    async def test_a_task_that_may_run_yet_is_not_lost(self, service: Callers) -> None:
        task = await queued(service)
        lose = Command[Nothing](command_id=uuid4(), data=Nothing())
        refused = await service.workers("POST", f"/tasks/{task.id}/lose", lose)
        assert code_of(refused) == (404, "task_not_lost")


class TestLeases:
    async def test_one_holds_it_until_it_expires(
        self, service: Callers, database: Database
    ) -> None:
        first, second = uuid4(), uuid4()

        async def holds(holder: UUID, seconds: float = 60) -> bool:
            body = HoldNamedLease(holder=holder, seconds=seconds)
            reply = await service.workers("PUT", "/leases/beat", body)
            return NamedLeaseHeld.model_validate_json(reply.body).held

        assert await holds(first)
        assert not await holds(second)
        assert await holds(first)
        await database.rows("UPDATE leases SET expires_at = now() - interval '1 s'")
        assert await holds(second)
        assert not await holds(first)

    async def test_is_given_up(self, service: Callers) -> None:
        path = "/leases/beat"
        await service.workers("PUT", path, HoldNamedLease(holder=uuid4(), seconds=60))
        reply = await service.workers("PUT", path, HoldNamedLease(holder=uuid4(), seconds=0))
        assert reply.json() == {"held": False}
        holder = uuid4()
        await service.workers("PUT", "/leases/other", HoldNamedLease(holder=holder, seconds=60))
        await service.workers("PUT", "/leases/other", HoldNamedLease(holder=holder, seconds=0))
        reply = await service.workers(
            "PUT", "/leases/other", HoldNamedLease(holder=uuid4(), seconds=60)
        )
        assert reply.json() == {"held": True}
