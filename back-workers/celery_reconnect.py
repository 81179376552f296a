"""Celery classes that detect the loss of the broker and reconnect within seconds."""

from functools import partialmethod

from celery import Task
from celery.app.amqp import AMQP
from celery.utils.log import get_logger
from celery.worker.request import Request
from kombu import Connection


class FastReconnectConnection(Connection):
    """Tries to reconnect every 1 to 2 seconds, without a limit.

    Celery's own pauses between two tries grow to 30 seconds, and no setting changes that.
    """

    ensure_connection = partialmethod(
        Connection.ensure_connection, interval_start=1, interval_step=1, interval_max=2
    )


class FastReconnectAMQP(AMQP):
    """Celery's AMQP with `FastReconnectConnection`."""

    Connection = FastReconnectConnection


class ReconnectingRequest(Request):
    """A received task; the worker reconnects when it can't be acknowledged.

    Celery's own class logs the failure and goes on. Once as many acknowledgements are lost as
    tasks may be prefetched, the worker takes no more tasks, checks no connection, and never
    recovers.
    """

    def acknowledge(self) -> None:
        if not self.acknowledged:
            caught_errors = ()
            self._on_ack(get_logger(__name__), caught_errors)  # type: ignore[attr-defined]
            self.acknowledged = True


class ReconnectingTask(Task[..., object]):
    """A task whose requests are `ReconnectingRequest`."""

    Request = "celery_reconnect:ReconnectingRequest"
