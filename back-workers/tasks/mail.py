from celery import Task

from celeryconfig import MAIL_TASK, celery
from tasks.worker_runtime import handling, worker_runtime


@celery.task(name=MAIL_TASK, bind=True)
def mail(self: Task[..., None], *delivery_ids: str) -> None:
    """Begin to send the mails of deliveries that are still due.

    The broker forgets this task then. A mail that is lost with its process is due again when the
    lease of its delivery ends.
    """
    runtime = worker_runtime()
    runtime.start([handling(self, it, runtime.mail_sender.deliver) for it in delivery_ids])
