"""Celery's broker, called from threads so that the event loop is not blocked."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self, TypeVar
from uuid import uuid4

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from celeryconfig import MAIL_QUEUE, MAIL_TASK, celery_app, configuration
from settings import Settings
from shared.kit.errors import NotFound, Unavailable
from shared.kit.http import context
from shared.models.event import Delivery
from shared.models.maintenance import MaintenanceTask, Task, TaskState

T = TypeVar("T")

NOTIFICATION_SECONDS = 60
"""A notification that no worker took by then is dropped: the relay has sent newer ones."""

NOTIFICATIONS_MAX = 1000
"""With so many in the queue the workers are behind, and more would only fill the broker."""

SENT = "SENT"
"""Celery reports every unknown task as PENDING; a task that was sent gets this state."""

STATES: dict[str, TaskState] = {
    SENT: "pending",
    "STARTED": "started",
    "RETRY": "started",
    "SUCCESS": "succeeded",
    "FAILURE": "failed",
    "REVOKED": "failed",
}


class Broker:
    """Celery's blocking calls, each run on a thread.

    Every method raises `Unavailable` when the broker does not answer within its time-out.
    """

    def __init__(self, settings: Settings) -> None:
        self._seconds = settings.broker_timeout
        self._celery = celery_app(lambda: configuration(settings))
        # Celery loads its configuration at the first access. If two threads accessed it first at
        # once, the second would see half of it and keep connections to a default address.
        self._celery.conf.get("broker_url")
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="broker")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._celery.close()

    async def ping(self) -> None:
        await self._call(lambda: self._waiting(MAIL_QUEUE))

    async def notify_mail(self, deliveries: Sequence[Delivery]) -> None:
        """Notify the workers of mails that are due; the deliveries stay in the outbox."""
        messages: list[tuple[str, dict[str, str | None]]] = []
        for delivery in deliveries:
            with context.correlated(delivery.envelope.correlation_id, delivery.traceparent):
                messages.append((str(delivery.delivery_id), correlation_headers()))

        def notify() -> None:
            if self._waiting(MAIL_QUEUE) >= NOTIFICATIONS_MAX:
                raise Unavailable("Too many mails wait for a worker at present.", retry_after=1)
            with self._celery.producer_or_acquire() as producer:
                for delivery_id, headers in messages:
                    self._celery.send_task(
                        MAIL_TASK,
                        [delivery_id],
                        queue=MAIL_QUEUE,
                        expires=NOTIFICATION_SECONDS,
                        ignore_result=True,
                        headers=headers,
                        producer=producer,
                    )

        await self._call(notify)

    async def start(self, name: MaintenanceTask) -> Task:
        """Start a maintenance task now."""
        task_id, headers = str(uuid4()), correlation_headers()

        def start() -> None:
            self._celery.backend.store_result(task_id, {"name": name}, SENT)
            self._celery.send_task(name, task_id=task_id, headers=headers)

        await self._call(start)
        return Task(task_id=task_id, name=name, state="pending")

    async def task(self, task_id: str) -> Task:
        """The state of a started task. Raises `NotFound` for one that is unknown or too old."""
        meta = await self._call(lambda: self._celery.backend.get_task_meta(task_id))
        state = STATES.get(meta["status"])
        if state is None:
            raise NotFound("There is no such task.", code="task_not_found")
        result = meta["result"]
        return Task(
            task_id=task_id,
            name=result["name"] if meta["status"] == SENT else meta.get("name"),
            state=state,
            result=result if state == "succeeded" else None,
            error=type(result).__name__ if state == "failed" else None,
        )

    def _waiting(self, queue: str) -> int:
        with self._celery.producer_or_acquire() as producer:
            return int(producer.channel.queue_declare(queue).message_count)

    async def _call(self, blocking: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._seconds):
                return await loop.run_in_executor(self._threads, blocking)
        except (TimeoutError, OperationalError, RedisError, OSError) as error:
            raise Unavailable("The broker can't be reached at present.", retry_after=1) from error


def correlation_headers() -> dict[str, str | None]:
    """The correlation id and trace of the request or event, as task headers."""
    trace = context.trace()
    return {
        "x_correlation_id": context.correlation_id(),
        "x_traceparent": trace.traceparent if trace else None,
    }
