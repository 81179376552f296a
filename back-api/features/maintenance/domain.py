"""Maintenance tasks, as an admin starts and reads them, and that one was started."""

from typing import Protocol

from services.actor import Actor, Events, action_of
from shared.models.maintenance import MaintenanceStarted, MaintenanceTask, Task


class Tasks(Protocol):
    """Starts background tasks and reads their state."""

    async def start(self, name: MaintenanceTask) -> Task:
        """Start a task; its state."""

    async def get(self, task_id: str) -> Task:
        """The state of a task. Raises NotFound `task_not_found`."""


class Maintenance:
    """Starts tasks for admins and stores who started them."""

    def __init__(self, tasks: Tasks, events: Events) -> None:
        self._tasks = tasks
        self._events = events

    async def start(self, actor: Actor, chore: MaintenanceTask) -> Task:
        """Start a task once the event `maintenance.started` is stored.

        The event may be of a task that could not be started; no task starts without one.

        Raises:
            Unavailable: the event can't be stored, or back-workers can't be reached.
        """
        started = MaintenanceStarted(actor_id=actor.user_id, chore=chore, network=actor.network)
        await self._events.record(action_of(actor, "maintenance.started", started))
        return await self._tasks.start(chore)

    async def get(self, task_id: str) -> Task:
        """The state of a task. Raises NotFound `task_not_found`."""
        return await self._tasks.get(task_id)
