"""Celery's app, for `celery -A celeryconfig worker` and `beat`, and for senders of tasks.

Settings are read when the configuration is first used, not at import.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from celery import Celery
from kombu import Queue

from settings import Settings

MAIL_TASK = "mail"
MAIL_QUEUE = "mail"
MAINTENANCE_QUEUE = "maintenance"

TASK_SECONDS = 90
"""A task that takes longer is killed; the broker redelivers it later."""

RESULT_SECONDS = 3600


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
        "result_backend": settings.broker_url,
        "result_backend_transport_options": {"retry_policy": {"timeout": settings.broker_timeout}},
        "result_expires": RESULT_SECONDS,
        "result_extended": True,
        "redis_socket_connect_timeout": settings.broker_timeout,
        "redis_socket_timeout": settings.broker_timeout,
        "include": ["tasks.celery_hooks", "tasks.mail", "tasks.maintenance"],
        "accept_content": ["json"],
        "task_serializer": "json",
        "result_serializer": "json",
        "task_queues": [Queue(MAIL_QUEUE), Queue(MAINTENANCE_QUEUE)],
        "task_default_queue": MAINTENANCE_QUEUE,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_publish_retry": False,
        "task_time_limit": TASK_SECONDS,
        "task_track_started": True,
        "worker_prefetch_multiplier": 1,
        "worker_concurrency": 2,
        "worker_enable_remote_control": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_enable_prefetch_count_reduction": False,
        "beat_schedule_filename": str(Path(tempfile.gettempdir(), "back-workers-beat.schedule")),
        "beat_scheduler": "tasks.celery_hooks:HeartbeatScheduler",
        "beat_max_loop_interval": 5,
        "beat_schedule": {
            task: {"task": task, "schedule": settings.sweep_interval_seconds}
            for task in ("sweep_credentials", "sweep_registrations")
        },
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
