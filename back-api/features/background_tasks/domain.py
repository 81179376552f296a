"""Who sees and cancels which background task."""

from uuid import UUID

from services.worker_tasks import Tasks, public
from shared.kit.errors import NotFound
from shared.models.task import BackgroundTask, BackgroundTasks, StoredTask


class BackgroundTaskAccess:
    """Tasks of one's own, and of everybody for an admin.

    A task of somebody else is not found: that it exists is nobody's business.
    """

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks

    async def page(
        self, user_id: UUID, kind: str | None, limit: int, before: str | None, *, admin: bool
    ) -> BackgroundTasks:
        """Tasks of a kind, or of all, newest first; an admin sees those of everybody.

        Raises InvalidRequest `cursor_invalid`.
        """
        page = await self._tasks.page(None if admin else user_id, kind, limit, before)
        return BackgroundTasks(items=[public(task) for task in page.items], next=page.next)

    async def get(self, user_id: UUID, task_id: UUID, *, admin: bool) -> BackgroundTask:
        """Raises NotFound `task_not_found`."""
        return public(await self._visible(user_id, task_id, admin=admin))

    async def cancel(self, user_id: UUID, task_id: UUID, *, admin: bool) -> BackgroundTask:
        """Cancel a task that has not ended; its run ends soon. Raises NotFound `task_not_found`."""
        await self._visible(user_id, task_id, admin=admin)
        return public(await self._tasks.cancel(task_id))

    async def _visible(self, user_id: UUID, task_id: UUID, *, admin: bool) -> StoredTask:
        task = await self._tasks.get(task_id)
        if not admin and task.owner_id != user_id:
            raise NotFound("There is no such task.", code="task_not_found")
        return task
