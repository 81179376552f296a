"""Tasks, as back-workers runs them."""

from shared.kit import ServiceClient
from shared.models.maintenance import MaintenanceTask, StartTask, Task


class WorkerTasks:
    """The tasks of the domain, over HTTP."""

    def __init__(self, workers: ServiceClient) -> None:
        self._workers = workers

    async def start(self, name: MaintenanceTask) -> Task:
        return await self._workers.post("/tasks", StartTask(name=name), response_model=Task)

    async def get(self, task_id: str) -> Task:
        return await self._workers.get(f"/tasks/{task_id}", response_model=Task)
