"""Maintenance tasks, which run on a schedule and which an admin may start."""

from typing import Literal

from pydantic import JsonValue

from shared.models.base import Internal, PublicRequest, Response

MaintenanceTask = Literal["sweep_credentials"]
TaskState = Literal["pending", "started", "succeeded", "failed"]


class StartMaintenanceTask(PublicRequest):
    """The maintenance task to run now."""

    chore: MaintenanceTask


class StartTask(Internal):
    """A task of back-workers to run."""

    name: MaintenanceTask


class Task(Response):
    """A task and how far it is; `result` once it succeeded, `error` once it failed."""

    task_id: str
    name: str | None
    state: TaskState
    result: JsonValue | None = None
    error: str | None = None
