"""What a user is given of all that is kept about them: one JSON document, written page by page."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import to_json

from services.actor import Actor, Events, action_of
from shared.kit.errors import NotFound, Unauthenticated
from shared.models.account_export import AccountExported, AccountRecord
from shared.models.audit import AuditEntry, AuditPage
from shared.models.auth import OpenSession
from shared.models.base import now
from shared.models.event import PERSONAL_FIELDS
from shared.models.notification import NotificationPage, Preferences
from shared.models.profile import Profile
from shared.models.task import BackgroundTasks
from shared.models.tool import LaunchPage


class Page(Protocol):
    """A page of a list; `next` is the `before` of the following one."""

    @property
    def items(self) -> Sequence[BaseModel]: ...

    @property
    def next(self) -> str | None: ...


ReadPage = Callable[[UUID, str | None], Awaitable[Page]]


class OwnData(Protocol):
    """Reads what the services keep about a user. Raises Unavailable or TimedOut."""

    async def account(self, user_id: UUID) -> AccountRecord:
        """Raises NotFound `user_not_found`."""

    async def profile(self, user_id: UUID) -> Profile | None: ...

    async def preferences(self, user_id: UUID) -> Preferences: ...

    async def sessions(self, user_id: UUID, current: UUID) -> list[OpenSession]: ...

    async def launches(self, user_id: UUID, before: str | None) -> LaunchPage: ...

    async def notifications(self, user_id: UUID, before: str | None) -> NotificationPage: ...

    async def tasks(self, user_id: UUID, before: str | None) -> BackgroundTasks: ...

    async def audit(self, user_id: UUID, before: str | None) -> AuditPage: ...


class AccountExports:
    """Writes the document that `AccountExport` describes.

    What a store knows is a field of the document and a line here: in `_whole` what is read at once,
    among the `lists` of `document` what has pages.
    """

    def __init__(self, own: OwnData, events: Events) -> None:
        self._own = own
        self._events = events

    async def document(self, actor: Actor, sid: UUID) -> AsyncIterator[bytes]:
        """The document of the actor in parts, once the event `user.exported` is stored.

        The first page of each list is read before, so that a store that is out is an error and no
        broken document. When one fails later, the document breaks off.

        Raises:
            Unauthenticated: `account_gone`.
            Unavailable: a store can't be read, or the event can't be stored.
        """
        own, user_id = self._own, actor.user_id
        try:
            whole = await self._whole(user_id, sid)
        except NotFound as error:
            raise Unauthenticated("This account no longer exists.", code="account_gone") from error
        lists: dict[str, ReadPage] = {
            "launches": own.launches,
            "notifications": own.notifications,
            "tasks": own.tasks,
            "audit": self._audit,
        }
        first = {name: await read(user_id, None) for name, read in lists.items()}
        exported = AccountExported(user_id=user_id, network=actor.network)
        await self._events.record(action_of(actor, "user.exported", exported))
        return _parts(user_id, whole, lists, first)

    async def _whole(self, user_id: UUID, sid: UUID) -> dict[str, object]:
        own = self._own
        return {
            "exported_at": now(),
            "account": await own.account(user_id),
            "profile": await own.profile(user_id),
            "notification_preferences": await own.preferences(user_id),
            "sessions": await own.sessions(user_id, sid),
        }

    async def _audit(self, user_id: UUID, before: str | None) -> AuditPage:
        page = await self._own.audit(user_id, before)
        items = [_without_others(user_id, entry) for entry in page.items]
        return AuditPage(items=items, next=page.next)


async def _parts(
    user_id: UUID,
    whole: dict[str, object],
    lists: dict[str, ReadPage],
    first: dict[str, Page],
) -> AsyncIterator[bytes]:
    yield to_json(whole)[:-1]
    for name, read in lists.items():
        yield b',"' + name.encode() + b'":['
        page, separator = first[name], b""
        while True:
            if page.items:
                yield separator + to_json(list(page.items))[1:-1]
                separator = b","
            if page.next is None:
                break
            page = await read(user_id, page.next)
        yield b"]"
    yield b"}"


def _without_others(user_id: UUID, entry: AuditEntry) -> AuditEntry:
    """Where an admin acted, the network is the admin's, and none of the user's data."""
    actor_id = entry.payload.get("actor_id")
    if actor_id in {None, str(user_id)}:
        return entry
    payload = {name: it for name, it in entry.payload.items() if name not in PERSONAL_FIELDS}
    return entry.model_copy(update={"payload": payload})
