from celery import Task

from celeryconfig import BACKGROUND_TASK, celery
from shared.kit.errors import ServiceError
from tasks.worker_runtime import deliver_all, worker_runtime


@celery.task(name=BACKGROUND_TASK, bind=True, throws=(ServiceError,))
def background_task(self: Task[[str], None], delivery_id: str) -> None:
    """Run the background task of a delivery that is still due."""
    deliver_all(self, [delivery_id], worker_runtime().task_runner.deliver)
