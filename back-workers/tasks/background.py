from celery import Task

from celeryconfig import BACKGROUND_TASK, celery
from tasks.worker_runtime import handling, worker_runtime


@celery.task(name=BACKGROUND_TASK, bind=True)
def background_task(self: Task[[str], None], delivery_id: str) -> None:
    """Run the background task of a delivery that is still due."""
    runtime = worker_runtime()
    runtime.run(handling(self, delivery_id, runtime.task_runner.deliver))
