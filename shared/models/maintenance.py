"""Maintenance tasks, which run on a schedule and can be started by an admin."""

from typing import Literal
from uuid import UUID

from pydantic import JsonValue

from shared.models.base import EventPayload, Network, PublicRequest, Response

MaintenanceTask = Literal["sweep_credentials", "sweep_outbox", "sweep_registrations", "sweep_tasks"]
TaskState = Literal["pending", "started", "succeeded", "failed"]


class StartMaintenanceTask(PublicRequest):
    """The maintenance task to start."""

    chore: MaintenanceTask


class Task(Response):
    """The state of a task; `result` when it succeeded, `error` when it failed."""

    task_id: str
    name: str | None
    state: TaskState
    result: JsonValue | None = None
    error: str | None = None


class MaintenanceStarted(EventPayload):
    """`maintenance.started`: the actor asked for a maintenance task."""

    actor_id: UUID
    chore: MaintenanceTask
    network: Network
