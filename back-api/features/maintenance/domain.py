"""Maintenance tasks, started and watched by an admin."""

from typing import Protocol

from shared.models.maintenance import MaintenanceTask, Task


class Tasks(Protocol):
    """Work that goes on in the background."""

    async def start(self, name: MaintenanceTask) -> Task:
        """The task that was started."""

    async def get(self, task_id: str) -> Task:
        """How far the task is. Raises NotFound `task_not_found`."""
