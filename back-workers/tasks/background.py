from uuid import UUID

from celery import Task

from celeryconfig import BACKGROUND_TASK, celery
from shared.kit.errors import ServiceError
from tasks.worker_runtime import correlated_run, worker_runtime


@celery.task(name=BACKGROUND_TASK, bind=True, throws=(ServiceError,))
def background_task(self: Task[[str], None], delivery_id: str) -> None:
    """Run the background task of a delivery that is still due."""
    correlated_run(self, worker_runtime().task_runner.deliver(UUID(delivery_id)))
