"""How Celery notices that its broker is out, and how soon it comes back."""

from functools import partialmethod

from celery import Task
from celery.app.amqp import AMQP
from celery.utils.log import get_logger
from celery.worker.request import Request
from kombu import Connection


class PromptConnection(Connection):
    """Looks for its broker every few seconds, for as long as it takes.

    Celery's own pauses between two tries grow to 30 seconds, which no setting of its changes.
    """

    ensure_connection = partialmethod(
        Connection.ensure_connection, interval_start=1, interval_step=1, interval_max=2
    )


class PromptAMQP(AMQP):
    """Celery's AMQP with connections that come back soon."""

    Connection = PromptConnection


class NoticingRequest(Request):
    """A task in the worker's hands, that makes the worker connect anew when it can't acknowledge.

    Celery's own logs the failure and goes on. Once as many acknowledgements are lost as tasks may
    be in hand, the worker would take no more and look at no connection: it would wait for ever.
    """

    def acknowledge(self) -> None:
        if not self.acknowledged:
            nothing_caught = ()
            self._on_ack(get_logger(__name__), nothing_caught)  # type: ignore[attr-defined]
            self.acknowledged = True


class NoticingTask(Task[..., object]):
    """A task whose requests notice that the broker is out."""

    Request = "celery_reconnect:NoticingRequest"
