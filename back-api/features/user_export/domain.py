"""Exports of users: who started one, and the link to its file."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID, uuid5

from services.actor import Actor, Events, action_of
from services.worker_tasks import Tasks, public
from shared.kit.errors import Conflict, NotFound
from shared.models.export import ExportLink, ExportStarted
from shared.models.task import BackgroundTask, StartBackgroundTask

KIND = "user_export"


@dataclass(frozen=True)
class Download:
    """A file that arrives in chunks; `length` is in bytes, `disposition` gives it a name.

    Who has its `tag` can go on with it after it broke off. `part` says which bytes of how many
    the chunks are (`bytes 5-9/10`), and is None for the whole file.
    """

    length: str | None
    disposition: str | None
    tag: str | None
    part: str | None
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True)
class Begun:
    """A download that broke off: its `tag`, and the first byte that is missing."""

    tag: str
    start: int


class Exports(Protocol):
    """The files of exports. Raises Unavailable or TimedOut."""

    async def link(self, task_id: UUID) -> ExportLink:
        """A link that downloads the file once. Raises Gone `export_expired`."""

    def download(self, token: str, begun: Begun | None) -> AbstractAsyncContextManager[Download]:
        """Use up a link and open its file, or go on with a download that broke off.

        That begins again where the file changed since.

        Raises:
            NotFound: `link_not_found`.
            Gone: `link_expired`, it was used by another download or is too old; `export_expired`.
        """


class UserExports:
    """Starts exports for admins, stores who did, and makes links to their files."""

    def __init__(self, tasks: Tasks, exports: Exports, events: Events) -> None:
        self._tasks = tasks
        self._exports = exports
        self._events = events

    async def start(self, actor: Actor, command_id: UUID) -> BackgroundTask:
        """Start an export once the event `export.started` is stored.

        Raises:
            Unavailable: the event can't be stored, or back-workers can't be reached.
        """
        task_id = uuid5(command_id, "task")
        started = ExportStarted(actor_id=actor.user_id, task_id=task_id, network=actor.network)
        recording = action_of(
            actor, "export.started", started, command_id=uuid5(command_id, "started")
        )
        await self._events.record(recording)
        start = StartBackgroundTask(
            command_id=command_id, task_id=task_id, kind=KIND, owner_id=actor.user_id
        )
        return public(await self._tasks.start(start))

    async def link(self, task_id: UUID) -> ExportLink:
        """A link that downloads the file of an export once.

        Raises:
            NotFound: `task_not_found`.
            Conflict: `export_not_finished`.
            Gone: `export_expired`, the file is not kept any more.
        """
        task = await self._tasks.get(task_id)
        if task.kind != KIND:
            raise NotFound("There is no such task.", code="task_not_found")
        if task.status != "succeeded":
            raise Conflict("The export has no file.", code="export_not_finished")
        return await self._exports.link(task_id)

    def download(self, token: str, begun: Begun | None) -> AbstractAsyncContextManager[Download]:
        """Use up a link and open its file, or go on. Raises NotFound, Gone."""
        return self._exports.download(token, begun)
