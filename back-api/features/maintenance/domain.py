"""Maintenance tasks, as an admin starts and reads them, and that one was started."""

from typing import get_args
from uuid import UUID, uuid5

from services.actor import Actor, Events, action_of
from services.worker_tasks import Tasks
from shared.kit.errors import NotFound
from shared.models.maintenance import MaintenanceStarted, MaintenanceTask, Task, TaskState
from shared.models.task import StartBackgroundTask, StoredTask, TaskStatus

CHORES: frozenset[str] = frozenset(get_args(MaintenanceTask))

STATES: dict[TaskStatus, TaskState] = {
    "queued": "pending",
    "running": "started",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "failed",
}


class Maintenance:
    """Starts tasks for admins and stores who started them."""

    def __init__(self, tasks: Tasks, events: Events) -> None:
        self._tasks = tasks
        self._events = events

    async def start(self, actor: Actor, chore: MaintenanceTask, command_id: UUID) -> Task:
        """Start a task once the event `maintenance.started` is stored.

        The event may be of a task that could not be started; no task starts without one.

        Raises:
            Unavailable: the event can't be stored, or back-workers can't be reached.
        """
        started = MaintenanceStarted(actor_id=actor.user_id, chore=chore, network=actor.network)
        await self._events.record(
            action_of(
                actor, "maintenance.started", started, command_id=uuid5(command_id, "started")
            )
        )
        start = StartBackgroundTask(
            command_id=command_id,
            task_id=uuid5(command_id, "task"),
            kind=chore,
            owner_id=actor.user_id,
        )
        return _of_admin(await self._tasks.start(start))

    async def get(self, task_id: UUID) -> Task:
        """The state of a maintenance task. Raises NotFound `task_not_found`."""
        task = await self._tasks.get(task_id)
        if task.kind not in CHORES:
            raise NotFound("There is no such task.", code="task_not_found")
        return _of_admin(task)


def _of_admin(task: StoredTask) -> Task:
    return Task(
        task_id=str(task.id),
        name=task.kind,
        state=STATES[task.status],
        result=task.result,
        error="cancelled" if task.status == "cancelled" else task.error,
    )
