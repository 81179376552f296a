"""Background tasks: what their owner sees, what is stored, and what a worker reports of a run."""

from typing import Literal
from uuid import UUID

from pydantic import Field, JsonValue

from shared.models.base import EventPayload, Instant, Internal, Line, Response

TaskKind = Literal[
    "send_digests",
    "sweep_credentials",
    "sweep_outbox",
    "sweep_registrations",
    "sweep_tasks",
    "user_export",
]
TaskStatus = Literal["queued", "running", "succeeded", "failed", "cancelled"]
FinalStatus = Literal["succeeded", "failed", "cancelled"]

TASKS_PAGE_DEFAULT = 50
TASKS_PAGE_MAX = 200
TASK_ERROR_MAX_LENGTH = 200


class BackgroundTask(Response):
    """A background task; `result` when it succeeded, `error` (a code) when it failed."""

    id: UUID
    kind: Line
    status: TaskStatus
    progress: int = Field(ge=0, le=100, description="percent")
    result: JsonValue | None = None
    error: str | None = None
    created_at: Instant
    finished_at: Instant | None = None


class BackgroundTasks(Response):
    """Tasks, newest first; `next` is the `before` of the following page, null at the end."""

    items: list[BackgroundTask]
    next: str | None


class StartBackgroundTask(Internal):
    """A task to start; a repeat with the same `command_id` starts nothing more.

    Only the owner and admins see the task. One without an owner was started by the schedule.
    """

    command_id: UUID
    task_id: UUID
    kind: TaskKind
    owner_id: UUID | None = None
    params: dict[str, JsonValue] = Field(default_factory=dict)


class NewTask(Internal):
    """A task to store, which a worker is going to run."""

    task_id: UUID
    kind: Line = Field(max_length=100)
    owner_id: UUID | None = None
    params: dict[str, JsonValue] = Field(default_factory=dict)


class StoredTask(Internal):
    """A task as it is stored; `checkpoint` is where its next run continues."""

    id: UUID
    kind: Line = Field(max_length=100)
    owner_id: UUID | None = None
    status: TaskStatus
    progress: int = Field(ge=0, le=100)
    params: dict[str, JsonValue]
    checkpoint: JsonValue | None = None
    result: JsonValue | None = None
    error: str | None = Field(default=None, max_length=TASK_ERROR_MAX_LENGTH)
    attempts: int = Field(ge=0, description="runs that were begun")
    cancel_requested_at: Instant | None = None
    created_at: Instant
    started_at: Instant | None = None
    finished_at: Instant | None = None
    version: int


class StoredTasks(Internal):
    """Stored tasks, newest first; `next` is the `before` of the following page."""

    items: list[StoredTask]
    next: str | None


class BeginTask(Internal):
    """Begin a run; only the worker that holds the delivery of the task may."""

    delivery_id: UUID
    lease_token: UUID


class ReportTask(BeginTask):
    """Report a run and renew its lease; a field that is absent stays.

    `progress` only rises: a run that begins again from an earlier point does not lower it.
    """

    lease_seconds: float = Field(default=8, gt=0, le=60)
    progress: int | None = Field(default=None, ge=0, le=100)
    checkpoint: JsonValue | None = None


class TaskReported(Internal):
    """What a run learns from a report."""

    cancel_requested: bool


class FinishTask(BeginTask):
    """End a task with its last run."""

    status: FinalStatus
    result: JsonValue | None = None
    error: str | None = Field(default=None, max_length=TASK_ERROR_MAX_LENGTH)


class CancelTask(Internal):
    """Ask for the end of a task; `at_once` ends one that no worker has begun."""

    at_once: bool


class SweepTasks(Internal):
    """Remove the tasks that ended so long ago."""

    older_than_seconds: int = Field(ge=60)


class TasksSwept(Internal):
    """How many tasks were removed."""

    removed: int


class HoldNamedLease(Internal):
    """Take or renew the lease of a name for `seconds`; 0 gives it up."""

    holder: UUID
    seconds: float = Field(ge=0, le=300)


class NamedLeaseHeld(Internal):
    """Whether the caller holds the lease now."""

    held: bool


class TaskQueued(EventPayload):
    """`task.queued`: a worker is to run the task."""

    task_id: UUID
    kind: str


class TaskProgressed(EventPayload):
    """`task.progressed`: the task of `user_id` has come to `progress` percent."""

    user_id: UUID
    task_id: UUID
    kind: str
    progress: int


class TaskFinished(EventPayload):
    """`task.finished`: the task of `user_id` has ended."""

    user_id: UUID
    task_id: UUID
    kind: str
    status: FinalStatus
