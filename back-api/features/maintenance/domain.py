"""Maintenance tasks, as an admin starts and reads them."""

from typing import Protocol

from shared.models.maintenance import MaintenanceTask, Task


class Tasks(Protocol):
    """Starts background tasks and reads their state."""

    async def start(self, name: MaintenanceTask) -> Task:
        """Start a task; its state."""

    async def get(self, task_id: str) -> Task:
        """The state of a task. Raises NotFound `task_not_found`."""
