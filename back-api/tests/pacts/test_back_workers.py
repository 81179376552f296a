"""What back-api asks back-workers: to start a chore, and how far it is."""

import pytest

from features.maintenance.infrastructure import WorkerTasks
from shared.kit.errors import NotFound
from shared.models.maintenance import StartTask
from shared.testing.pacts import ConsumerPact, exactly, refusal, reply, state

TASK = "70000000-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def pact() -> ConsumerPact:
    return ConsumerPact("back-api", "back-workers")


async def test_a_chore_is_started(pact: ConsumerPact) -> None:
    async with pact.exchange(
        "a chore to start",
        asks="POST /tasks",
        sends=StartTask(name="sweep_credentials"),
        answers=reply(
            202,
            {"task_id": TASK, "name": exactly("sweep_credentials"), "state": exactly("pending")},
        ),
    ) as workers:
        assert (await WorkerTasks(workers).start("sweep_credentials")).task_id == TASK


async def test_a_task_that_is_done(pact: ConsumerPact) -> None:
    async with pact.exchange(
        "a task that has succeeded",
        given=[state("a task has succeeded", task_id=TASK, result={"removed": 3})],
        asks=f"GET /tasks/{TASK}",
        answers=reply(
            200,
            {
                "task_id": exactly(TASK),
                "name": "sweep_credentials",
                "state": exactly("succeeded"),
                "result": {"removed": 3},
                "error": None,
            },
        ),
    ) as workers:
        assert (await WorkerTasks(workers).get(TASK)).result == {"removed": 3}


async def test_a_task_that_failed(pact: ConsumerPact) -> None:
    async with pact.exchange(
        "a task that has failed",
        given=[state("a task has failed", task_id=TASK, error="Unavailable")],
        asks=f"GET /tasks/{TASK}",
        answers=reply(
            200,
            {
                "task_id": exactly(TASK),
                "name": "sweep_credentials",
                "state": exactly("failed"),
                "result": None,
                "error": "Unavailable",
            },
        ),
    ) as workers:
        assert (await WorkerTasks(workers).get(TASK)).error == "Unavailable"


async def test_an_unknown_task(pact: ConsumerPact) -> None:
    async with pact.exchange(
        "a task that nobody started",
        asks=f"GET /tasks/{TASK}",
        answers=refusal(404, "task_not_found"),
    ) as workers:
        with pytest.raises(NotFound, match="task_not_found"):
            await WorkerTasks(workers).get(TASK)


def test_the_pact_is_kept(pact: ConsumerPact) -> None:
    pact.must_be_kept()
