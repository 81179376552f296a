from celery import Task

from celeryconfig import MAIL_TASK, celery
from shared.kit.errors import ServiceError
from tasks.worker_runtime import deliver_all, worker_runtime


@celery.task(name=MAIL_TASK, bind=True, throws=(ServiceError,))
def mail(self: Task[..., None], *delivery_ids: str) -> None:
    """Send the mails of deliveries that are still due."""
    deliver_all(self, delivery_ids, worker_runtime().mail_sender.deliver)
