"""Background tasks, as back-workers starts and keeps them."""

from typing import Protocol
from uuid import UUID

from shared.kit import ServiceClient
from shared.models.task import BackgroundTask, StartBackgroundTask, StoredTask, StoredTasks


class Tasks(Protocol):
    """Starts, reads and cancels background tasks. Raises Unavailable or TimedOut."""

    async def start(self, start: StartBackgroundTask) -> StoredTask:
        """Start a task; a repeat returns the first answer. Raises NotFound `user_not_found`."""

    async def get(self, task_id: UUID) -> StoredTask:
        """Raises NotFound `task_not_found`."""

    async def page(
        self, owner_id: UUID | None, kind: str | None, limit: int, before: str | None
    ) -> StoredTasks:
        """Tasks of an owner and a kind, or of all, newest first.

        Raises InvalidRequest `cursor_invalid`.
        """

    async def cancel(self, task_id: UUID) -> StoredTask:
        """End a task, or ask its run to end. Raises NotFound `task_not_found`."""


class WorkerTasks:
    """The tasks over HTTP."""

    def __init__(self, workers: ServiceClient) -> None:
        self._workers = workers

    async def start(self, start: StartBackgroundTask) -> StoredTask:
        return await self._workers.post("/tasks", start, response_model=StoredTask)

    async def get(self, task_id: UUID) -> StoredTask:
        return await self._workers.get(f"/tasks/{task_id}", response_model=StoredTask)

    async def page(
        self, owner_id: UUID | None, kind: str | None, limit: int, before: str | None
    ) -> StoredTasks:
        asked = {"owner_id": owner_id, "kind": kind, "limit": limit, "before": before}
        return await self._workers.get("/tasks", params=asked, response_model=StoredTasks)

    async def cancel(self, task_id: UUID) -> StoredTask:
        return await self._workers.delete(f"/tasks/{task_id}", response_model=StoredTask)


def public(task: StoredTask) -> BackgroundTask:
    """What the owner sees of a task."""
    return BackgroundTask.model_validate(task.model_dump())
