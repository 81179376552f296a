"""Background tasks.

A run belongs to the worker that holds the delivery of the task's event. Each of its writes looks at
that lease in the same transaction, so a worker that lost it changes nothing any more.
"""

from typing import TYPE_CHECKING
from uuid import UUID

from database import Database
from repositories.command_repository import CommandRepository, StoredAnswer
from shared.kit.errors import Conflict, NotFound
from shared.kit.http.page_position import PagePosition, page_of, position_of
from shared.models.event import Command, Nothing
from shared.models.task import (
    BeginTask,
    CancelTask,
    FinishTask,
    NewTask,
    ReportTask,
    StoredTask,
    StoredTasks,
    SweepTasks,
    TaskReported,
    TasksSwept,
)

if TYPE_CHECKING:
    import asyncpg

    from database import Connection

_BY_ID = """
SELECT id, kind, owner_id, status, progress, params, checkpoint, result, error, attempts,
    cancel_requested_at, created_at, started_at, finished_at, version
FROM tasks
WHERE id = $1
"""

_OF_OWNER = """
SELECT id, kind, owner_id, status, progress, params, checkpoint, result, error, attempts,
    cancel_requested_at, created_at, started_at, finished_at, version
FROM tasks
WHERE owner_id = $5
    AND (created_at, id) < ($2, $3)
    AND ($4::text IS NULL OR kind = $4)
ORDER BY created_at DESC, id DESC
LIMIT $1
"""

_OF_ALL = """
SELECT id, kind, owner_id, status, progress, params, checkpoint, result, error, attempts,
    cancel_requested_at, created_at, started_at, finished_at, version
FROM tasks
WHERE (created_at, id) < ($2, $3)
    AND ($4::text IS NULL OR kind = $4)
ORDER BY created_at DESC, id DESC
LIMIT $1
"""

_INSERT = """
INSERT INTO tasks (id, kind, owner_id, params)
VALUES ($1, $2, $3, $4)
RETURNING id, kind, owner_id, status, progress, params, checkpoint, result, error, attempts,
    cancel_requested_at, created_at, started_at, finished_at, version
"""

_CANCEL = """
UPDATE tasks
SET cancel_requested_at = coalesce(cancel_requested_at, now()),
    status = CASE WHEN $3 THEN 'cancelled' ELSE status END,
    finished_at = CASE WHEN $3 THEN now() END,
    version = version + 1
WHERE id = $1
    AND version = coalesce($2, version)
    AND (status = 'queued' OR (status = 'running' AND NOT $3))
RETURNING id, kind, owner_id, status, progress, params, checkpoint, result, error, attempts,
    cancel_requested_at, created_at, started_at, finished_at, version
"""

_LOCK_DELIVERY = """
SELECT
FROM deliveries
WHERE delivery_id = $2 AND aggregate_id = $1 AND lease_token = $3 AND state = 'leased'
FOR UPDATE
"""

_BEGIN = """
UPDATE tasks
SET status = 'running',
    attempts = attempts + 1,
    started_at = coalesce(started_at, now()),
    version = version + 1
WHERE id = $1 AND status IN ('queued', 'running')
RETURNING id, kind, owner_id, status, progress, params, checkpoint, result, error, attempts,
    cancel_requested_at, created_at, started_at, finished_at, version
"""

_REPORT = """
WITH held AS (
    UPDATE deliveries
    SET due_at = now() + make_interval(secs => $4)
    WHERE delivery_id = $2 AND aggregate_id = $1 AND lease_token = $3 AND state = 'leased'
    RETURNING delivery_id
), reported AS (
    UPDATE tasks
    SET progress = greatest(progress, $5::bigint),
        checkpoint = coalesce($6, checkpoint)
    WHERE id = $1 AND status = 'running' AND EXISTS (SELECT FROM held)
    RETURNING id, cancel_requested_at
)
SELECT (SELECT count(*) FROM held) AS held, reported.id AS found, cancel_requested_at
FROM (SELECT) AS one
LEFT JOIN reported ON true
"""

_FINISH = """
UPDATE tasks
SET status = $2,
    progress = CASE WHEN $2 = 'succeeded' THEN 100 ELSE progress END,
    result = $3,
    error = $4,
    checkpoint = NULL,
    finished_at = now(),
    version = version + 1
WHERE id = $1 AND status = 'running'
RETURNING id, kind, owner_id, status, progress, params, checkpoint, result, error, attempts,
    cancel_requested_at, created_at, started_at, finished_at, version
"""

_REMOVE = """
DELETE FROM tasks
WHERE id = ANY(ARRAY(
    SELECT id
    FROM tasks
    WHERE finished_at < now() - make_interval(secs => $1)
    ORDER BY finished_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
))
RETURNING id
"""

_LOST = """
SELECT tasks.*
FROM tasks
JOIN deliveries ON deliveries.aggregate_id = tasks.id AND consumer = 'tasks' AND state = 'dead'
WHERE status IN ('queued', 'running')
ORDER BY created_at, id
LIMIT $1
"""

_LOSE = """
UPDATE tasks
SET status = 'failed', error = 'worker_lost', finished_at = now(), version = version + 1
FROM deliveries
WHERE id = $1
    AND status IN ('queued', 'running')
    AND deliveries.aggregate_id = id
    AND consumer = 'tasks'
    AND state = 'dead'
RETURNING tasks.*
"""


class TaskRepository:
    """Reads and writes `tasks`."""

    def __init__(self, database: Database, commands: CommandRepository) -> None:
        self._database = database
        self._commands = commands

    async def by_id(self, task_id: UUID) -> StoredTask:
        """Raises NotFound `task_not_found`."""
        return _task(await self._database.row(_BY_ID, task_id))

    async def page(
        self, owner_id: UUID | None, kind: str | None, limit: int, before: str | None
    ) -> StoredTasks:
        """Tasks of an owner and a kind, or of all, newest first.

        Raises InvalidRequest `cursor_invalid`.
        """
        position = position_of(before)
        values = (limit + 1, position.instant, position.item_id, kind)
        if owner_id is None:
            rows = await self._database.rows(_OF_ALL, *values)
        else:
            rows = await self._database.rows(_OF_OWNER, *values, owner_id)
        items, following = page_of(
            [_task(row) for row in rows],
            limit,
            lambda task: PagePosition.after(task.created_at, task.id),
        )
        return StoredTasks(items=items, next=following)

    async def create(self, command: Command[NewTask]) -> StoredAnswer:
        """Store a task that waits for a worker: 201 `StoredTask`.

        Raises:
            NotFound: `user_not_found`, there is no such owner.
            Conflict: `task_exists`.
        """
        new = command.data

        async def write(connection: "Connection") -> StoredTask:
            return _task(
                await connection.fetchrow(_INSERT, new.task_id, new.kind, new.owner_id, new.params)
            )

        return await self._commands.execute("create_task", command, 201, write)

    async def cancel(self, task_id: UUID, command: Command[CancelTask]) -> StoredAnswer:
        """Ask for the end of an unfinished task: 200 `StoredTask`.

        Raises:
            NotFound: `task_not_found`.
            Conflict: `stale_version`, it has another version, or `at_once` and a worker began it.
        """

        async def write(connection: "Connection") -> StoredTask:
            row = await connection.fetchrow(
                _CANCEL, task_id, command.expected_version, command.data.at_once
            )
            if row is None and await connection.fetchrow(_BY_ID, task_id):
                raise Conflict("The task has changed since it was read.", code="stale_version")
            return _task(row)

        return await self._commands.execute(f"cancel_task {task_id}", command, 200, write)

    async def begin(self, task_id: UUID, begun: BeginTask) -> StoredTask:
        """Begin a run of the task; one that has ended is returned as it is.

        Raises:
            NotFound: `task_not_found`.
            Conflict: `lease_lost`.
        """
        async with self._database.transaction() as connection:
            await _lock(connection, task_id, begun)
            row = await connection.fetchrow(_BEGIN, task_id)
            return _task(row or await connection.fetchrow(_BY_ID, task_id))

    async def report(self, task_id: UUID, report: ReportTask) -> TaskReported:
        """Store progress and checkpoint of a run, and renew its lease from now.

        Raises:
            NotFound: `task_not_found`, or it has ended.
            Conflict: `lease_lost`.
        """
        row = await self._database.row(
            _REPORT,
            task_id,
            report.delivery_id,
            report.lease_token,
            report.lease_seconds,
            report.progress,
            report.checkpoint,
        )
        if row is None or not row["held"]:
            raise _lease_lost()
        if row["found"] is None:
            raise _not_found()
        return TaskReported(cancel_requested=row["cancel_requested_at"] is not None)

    async def finish(self, task_id: UUID, command: Command[FinishTask]) -> StoredAnswer:
        """End a running task: 200 `StoredTask`.

        Raises:
            NotFound: `task_not_found`, or it has ended.
            Conflict: `lease_lost`.
        """
        end = command.data

        async def write(connection: "Connection") -> StoredTask:
            await _lock(connection, task_id, end)
            return _task(
                await connection.fetchrow(_FINISH, task_id, end.status, end.result, end.error)
            )

        return await self._commands.execute(f"finish_task {task_id}", command, 200, write)

    async def lost(self, limit: int) -> StoredTasks:
        """Tasks that no worker will run, because their delivery is a dead letter; oldest first."""
        rows = await self._database.rows(_LOST, limit)
        return StoredTasks(items=[_task(row) for row in rows], next=None)

    async def lose(self, task_id: UUID, command: Command[Nothing]) -> StoredAnswer:
        """Fail a lost task: 200 `StoredTask`. Raises NotFound `task_not_lost`."""

        async def write(connection: "Connection") -> StoredTask:
            row = await connection.fetchrow(_LOSE, task_id)
            if row is None:
                raise NotFound("There is no such lost task.", code="task_not_lost")
            return _task(row)

        return await self._commands.execute(f"lose_task {task_id}", command, 200, write)

    async def sweep(self, sweep: SweepTasks) -> TasksSwept:
        """Remove tasks that ended long ago."""
        removed = await self._database.in_batches(_REMOVE, float(sweep.older_than_seconds))
        return TasksSwept(removed=removed)


async def _lock(connection: "Connection", task_id: UUID, run: BeginTask) -> None:
    """Lock the delivery of a run against another worker. Raises Conflict `lease_lost`."""
    if not await connection.fetch(_LOCK_DELIVERY, task_id, run.delivery_id, run.lease_token):
        raise _lease_lost()


def _task(row: "asyncpg.Record | None") -> StoredTask:
    if row is None:
        raise _not_found()
    return StoredTask.model_validate(dict(row))


def _not_found() -> NotFound:
    return NotFound("There is no such task.", code="task_not_found")


def _lease_lost() -> Conflict:
    return Conflict("The lease is not held any more.", code="lease_lost")
