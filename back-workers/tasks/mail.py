from uuid import UUID

from celery import Task

from celeryconfig import MAIL_TASK, celery
from shared.kit.errors import ServiceError
from tasks.worker_runtime import correlated_run, worker_runtime


@celery.task(name=MAIL_TASK, bind=True, throws=(ServiceError,))
def mail(self: Task[[str], None], delivery_id: str) -> None:
    """Send the mail of a delivery that is still due."""
    correlated_run(self, worker_runtime().mail_sender.deliver(UUID(delivery_id)))
