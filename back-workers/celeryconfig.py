"""Celery's app, for `celery -A celeryconfig worker` and `beat`, and for senders of tasks.

Settings are read when the configuration is first used, not at import.
"""

from collections.abc import Callable
from typing import get_args

from celery import Celery
from kombu import Queue as KombuQueue

from settings import Settings
from task_kinds import Queue

MAIL_TASK = "mail"
MAIL_QUEUE = "mail"
BACKGROUND_TASK = "background_task"
BACKGROUND_QUEUES: tuple[Queue, ...] = get_args(Queue)

CONTEXTS_HEADER = "x_contexts"
"""The header of a task that has the correlation id and the trace of each of its deliveries."""

TASK_SECONDS = 90
"""A task that takes longer, and has no limit of its own, is killed."""


def configuration(settings: Settings) -> dict[str, object]:
    """Celery's configuration: https://docs.celeryq.dev/en/stable/userguide/configuration.html"""
    return {
        "broker_url": settings.broker_url,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_connection_timeout": settings.broker_timeout,
        "broker_transport_options": {
            "socket_connect_timeout": settings.broker_timeout,
            "socket_timeout": settings.broker_timeout,
            "socket_keepalive": True,
            "health_check_interval": 5,
            "visibility_timeout": 2 * TASK_SECONDS,
            "max_retries": 1,
            "interval_start": 0.1,
        },
        "include": ["tasks.celery_hooks", "tasks.mail", "tasks.background"],
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_queues": [KombuQueue(name) for name in (MAIL_QUEUE, *BACKGROUND_QUEUES)],
        "task_default_queue": MAIL_QUEUE,
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_publish_retry": False,
        "task_time_limit": TASK_SECONDS,
        "worker_prefetch_multiplier": 1,
        "worker_concurrency": 2,
        "worker_enable_remote_control": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_enable_prefetch_count_reduction": False,
        "beat_scheduler": "tasks.beat_scheduler:LeaderScheduler",
        "beat_schedule": {
            task: {"task": task, "schedule": settings.sweep_interval_seconds}
            for task in ("sweep_credentials", "sweep_outbox", "sweep_registrations", "sweep_tasks")
        }
        | {"send_digests": {"task": "send_digests", "schedule": settings.digest_interval_seconds}},
    }


def celery_app(configure: Callable[[], dict[str, object]]) -> Celery:
    """An app whose configuration is made when it is first used."""
    app = Celery(
        "back-workers",
        amqp="celery_reconnect:FastReconnectAMQP",
        task_cls="celery_reconnect:ReconnectingTask",
        set_as_current=False,
    )
    app.add_defaults(configure)
    return app


celery = celery_app(lambda: configuration(Settings()))
