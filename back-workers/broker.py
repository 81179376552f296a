"""Celery's broker, called from threads so that the event loop is not blocked."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self, TypeVar

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from celeryconfig import (
    BACKGROUND_TASK,
    CONTEXTS_HEADER,
    MAIL_QUEUE,
    MAIL_TASK,
    TASK_SECONDS,
    celery_app,
    configuration,
)
from delivery_handler import correlated_with
from settings import Settings
from shared.kit.errors import Unavailable
from shared.kit.http import context
from shared.models.event import Delivery
from task_kinds import kind_of

T = TypeVar("T")

NOTIFICATION_SECONDS = 60
"""A notification that no worker took by then is dropped: the relay has sent newer ones."""

NOTIFICATIONS_MAX = 1000
"""With so many in the queue the workers are behind, and more would only fill the broker."""


MAILS_A_TASK = 10
"""Mails that one task names at most, so that several processes share what is claimed together."""


@dataclass(frozen=True, slots=True)
class Notification:
    """The message that tells a worker of deliveries; the task is killed after `time_limit`."""

    deliveries: Sequence[Delivery]
    task: str
    queue: str
    time_limit: int = TASK_SECONDS


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
        pages = range(0, len(deliveries), MAILS_A_TASK)
        groups = [deliveries[first : first + MAILS_A_TASK] for first in pages]
        await self._notify([Notification(it, MAIL_TASK, MAIL_QUEUE) for it in groups])

    async def notify_tasks(self, deliveries: Sequence[Delivery]) -> None:
        """Notify the workers of background tasks, in the queue of each one's kind."""
        await self._notify([_of_task(delivery) for delivery in deliveries])

    async def _notify(self, notifications: Sequence[Notification]) -> None:
        def notify() -> None:
            for queue in {notification.queue for notification in notifications}:
                if self._waiting(queue) >= NOTIFICATIONS_MAX:
                    raise Unavailable("Too many tasks wait for a worker at present.", retry_after=1)
            with self._celery.producer_or_acquire() as producer:
                for notification in notifications:
                    self._celery.send_task(
                        notification.task,
                        [str(it.delivery_id) for it in notification.deliveries],
                        queue=notification.queue,
                        expires=NOTIFICATION_SECONDS,
                        time_limit=notification.time_limit,
                        headers={CONTEXTS_HEADER: contexts_of(notification.deliveries)},
                        producer=producer,
                    )

        await self._call(notify)

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


def _of_task(delivery: Delivery) -> Notification:
    kind = kind_of(delivery.envelope.payload.get("kind"))
    if kind is None:  # the worker reports that it does not know the kind
        return Notification([delivery], BACKGROUND_TASK, "low")
    return Notification([delivery], BACKGROUND_TASK, kind.queue, kind.hard_seconds)


def contexts_of(deliveries: Sequence[Delivery]) -> dict[str, tuple[str, str | None]]:
    """The correlation id and the trace of each event, by the id of its delivery."""
    contexts: dict[str, tuple[str, str | None]] = {}
    for delivery in deliveries:
        with correlated_with(delivery):
            trace = context.trace()
            contexts[str(delivery.delivery_id)] = (
                context.correlation_id(),
                trace.traceparent if trace else None,
            )
    return contexts
