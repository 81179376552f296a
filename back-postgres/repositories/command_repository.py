"""Idempotent commands: a write, its events and its response in one transaction."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from pydantic import BaseModel

from database import Database
from repositories.event_repository import EventRepository
from shared.kit.errors import Conflict
from shared.models.event import Command, Nothing, Recorded

if TYPE_CHECKING:
    from database import Connection

Data = TypeVar("Data", bound=BaseModel)

_BEGIN = """
WITH begun AS (
    INSERT INTO commands (command_id, operation, digest, subject_id)
    VALUES ($1, $2, $3, $5)
    ON CONFLICT (command_id) DO NOTHING
    RETURNING command_id
), locked AS (
    SELECT pg_advisory_xact_lock(hashtextextended(aggregate_id::text, 0))
    FROM begun
    CROSS JOIN unnest($4::uuid[]) AS changed (aggregate_id)
)
SELECT (SELECT count(*) FROM locked) AS locks
FROM begun
"""
"""Locks the aggregates of the events, in one order, so that their positions rise in the order of
commit: without it a later event could be seen, and delivered, before an earlier one."""

_STORED = """
SELECT operation, digest, status, answer
FROM commands
WHERE command_id = $1
"""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The response of a command: an HTTP status and the JSON text of the body."""

    status: int
    body: str


class CommandRepository:
    """Runs the writes of the other repositories as commands."""

    def __init__(self, database: Database, events: EventRepository) -> None:
        self._database = database
        self._events = events

    async def execute(
        self,
        operation: str,
        command: Command[Data],
        status: int,
        write: "Callable[[Connection], Awaitable[BaseModel]]",
        *,
        subject_id: UUID | None = None,
    ) -> StoredAnswer:
        """The response of `write`, stored with its effect and events in one transaction.

        A repeat gets the answer of the first time. One that comes while the first still runs
        waits for it at the primary key. A write that raises leaves nothing behind, so that a
        repeat tries again. An answer that holds data of the user `subject_id` is removed with
        that user.

        Raises:
            Conflict: `command_reused`, another command had this id; and what `write` raises.
            InvalidRequest: `event_unknown`, no contract names the type of an event.
        """
        self._events.check(command.events)
        digest = _digest(command)
        async with self._database.transaction() as connection:
            aggregates = sorted({event.aggregate_id for event in command.events})
            begun = await connection.fetchrow(
                _BEGIN, command.command_id, operation, digest, aggregates, subject_id
            )
            if begun is None:
                return await self._repeated(connection, operation, command, digest)
            answer = StoredAnswer(status, (await write(connection)).model_dump_json())
            await self._events.store(
                connection,
                command.events,
                command_id=command.command_id,
                status=answer.status,
                answer=answer.body,
            )
            return answer

    async def record_events(self, command: Command[Nothing]) -> StoredAnswer:
        """Store the events of `command` and change nothing else: 201 `Recorded`."""

        async def write(_: "Connection") -> Recorded:
            return Recorded(event_ids=[event.envelope.event_id for event in command.events])

        return await self.execute("record_events", command, 201, write)

    async def _repeated(
        self, connection: "Connection", operation: str, command: Command[Data], digest: str
    ) -> StoredAnswer:
        stored = await connection.fetchrow(_STORED, command.command_id)
        if stored is None or (stored["operation"], stored["digest"]) != (operation, digest):
            raise Conflict("Another command had this command_id.", code="command_reused")
        return StoredAnswer(stored["status"], stored["answer"])


def _digest(command: Command[Data]) -> str:
    # expected_version, occurred_at and correlation_id may differ between a command and its repeat.
    content = [
        command.data.model_dump(mode="json"),
        [
            event.model_dump(mode="json", exclude={"envelope": {"occurred_at", "correlation_id"}})
            for event in command.events
        ],
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
