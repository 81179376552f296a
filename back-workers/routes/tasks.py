from fastapi import APIRouter

from broker import Broker
from shared.kit.auth.guards import calls_with_scope
from shared.models.maintenance import StartTask, Task


def router(broker: Broker) -> APIRouter:
    """Starts maintenance tasks and reports their state."""
    routes = APIRouter(prefix="/tasks", tags=["maintenance"])

    @routes.post("", status_code=202, dependencies=[calls_with_scope("tasks:start")])
    async def start_task(start: StartTask) -> Task:
        return await broker.start(start.name)

    @routes.get("/{task_id}", dependencies=[calls_with_scope("tasks:read")])
    async def read_task(task_id: str) -> Task:
        return await broker.task(task_id)

    return routes
