"""Hand-written fakes of the services that back-api calls.

`test_adapters.py` runs one suite against these fakes and against the real services.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID, uuid4

from pydantic import JsonValue

from features.event_administration.domain import Wanted
from features.user_export.domain import Begun, Download
from services.wanted_users import WantedUsers
from shared.kit.errors import (
    Conflict,
    Gone,
    InvalidRequest,
    NotFound,
    TooManyRequests,
    Unavailable,
)
from shared.kit.http.page_position import PagePosition, position_of
from shared.models.account import CheckPassword, DeleteUser
from shared.models.account_export import AccountRecord
from shared.models.audit import AuditEntry, AuditPage
from shared.models.auth import OpenSession
from shared.models.base import now
from shared.models.event import Command, EventEnvelope, NewEvent, Nothing
from shared.models.event_administration import (
    Backlog,
    ConsumerBacklog,
    DeliveriesReplayed,
    DeliveryPage,
    ReplayDeliveries,
    ShownDelivery,
)
from shared.models.export import ExportLink
from shared.models.notification import (
    Notification,
    NotificationCreated,
    NotificationPage,
    NotificationRead,
    Preferences,
    Recipient,
    StoredPreferences,
    UnreadCount,
    UnreadItem,
    UnreadItems,
    WritePreferences,
)
from shared.models.profile import Profile, StoredProfile, WriteProfile
from shared.models.registration import NewRegistration
from shared.models.task import BackgroundTasks, StartBackgroundTask, StoredTask, StoredTasks
from shared.models.tool import Launch, LaunchPage
from shared.models.user import AdministeredUser, NewUser, User, UserChange, UserPage


class FakeCredentials:
    """Credentials by id; a password is kept as it came."""

    def __init__(self) -> None:
        self.stored: dict[UUID, str] = {}

    async def store(self, password: str) -> UUID:
        credential_id = uuid4()
        self.stored[credential_id] = password
        return credential_id


class FakeRegistrations:
    """Registrations and the events that were recorded with them."""

    def __init__(self) -> None:
        self.stored: dict[UUID, NewRegistration] = {}
        self.answered: set[UUID] = set()
        self.events: list[NewEvent] = []

    async def create(self, command: Command[NewRegistration]) -> None:
        if command.command_id in self.answered:
            return
        if command.data.user_id in self.stored:
            raise Conflict(code="registration_exists")
        self.answered.add(command.command_id)
        self.stored[command.data.user_id] = command.data
        self.events += command.events


class FakeUsers:
    """Users and the events that were recorded with them."""

    def __init__(self) -> None:
        self.users: dict[UUID, User] = {}
        self.answered: dict[UUID, User] = {}
        self.events: list[NewEvent] = []

    async def get(self, user_id: UUID) -> User:
        if user_id not in self.users:
            raise NotFound(code="user_not_found")
        return self.users[user_id]

    async def page(self, wanted: WantedUsers, limit: int, before: str | None) -> UserPage:
        position = position_of(before)
        found = sorted(
            (user for user in self.users.values() if _is_wanted(user, wanted)),
            key=lambda user: (user.created_at, user.id),
            reverse=True,
        )
        left = [it for it in found if (it.created_at, it.id) < (position.instant, position.item_id)]
        items = [
            AdministeredUser(
                **user.model_dump(include={"id", "email", "role", "status", "created_at"}),
                first_name=None,
                last_name=None,
                display_name=None,
            )
            for user in left[:limit]
        ]
        if len(left) <= limit:
            return UserPage(items=items, next=None)
        last = PagePosition.after(items[-1].created_at, items[-1].id)
        return UserPage(items=items, next=last.cursor())

    async def find(self, email: str) -> User | None:
        return next((user for user in self.users.values() if user.email == email), None)

    async def create(self, command: Command[NewUser]) -> User:
        if command.command_id in self.answered:
            return self.answered[command.command_id]
        new = command.data
        if any(user.email == new.email for user in self.users.values()):
            raise Conflict(code="email_taken")
        user = User(
            id=new.user_id,
            email=new.email,
            role=new.role,
            status=new.status,
            version=1,
            created_at=now(),
        )
        return self._store(user, command.command_id, command.events)

    async def change(self, user_id: UUID, command: Command[UserChange]) -> User:
        if command.command_id in self.answered:
            return self.answered[command.command_id]
        user = await self.get(user_id)
        if command.expected_version not in {None, user.version}:
            raise Conflict(code="stale_version")
        changed = user.model_copy(update=command.data.model_dump(exclude_none=True))
        admins = [it for it in self.users.values() if _is_active_admin(it)]
        if admins == [user] and not _is_active_admin(changed):
            raise Conflict(code="last_admin")
        generation = user.session_generation + (changed != user)
        changed = changed.model_copy(
            update={"version": user.version + 1, "session_generation": generation}
        )
        return self._store(changed, command.command_id, command.events)

    def _store(self, user: User, command_id: UUID, events: list[NewEvent]) -> User:
        self.users[user.id] = self.answered[command_id] = user
        self.events += events
        return user


def _is_active_admin(user: User) -> bool:
    return (user.role, user.status) == ("admin", "active")


def _is_wanted(user: User, wanted: WantedUsers) -> bool:
    return (
        user.email.startswith((wanted.search or "").lower())
        and wanted.role in {None, user.role}
        and wanted.status in {None, user.status}
    )


class FakePasswords:
    """Passwords; those of users who are not in `passwords` are right. `closed` refuses tries."""

    def __init__(self) -> None:
        self.passwords: dict[UUID, str] = {}
        self.gone: set[UUID] = set()
        self.closed = False

    async def matches(self, claim: CheckPassword) -> bool:
        if self.closed:
            raise TooManyRequests(retry_after=60)
        if claim.user_id in self.gone:
            raise NotFound(code="user_not_found")
        return self.passwords.get(claim.user_id, claim.password) == claim.password


class FakeDeletions:
    """Removes users of `FakeUsers`."""

    def __init__(self, users: FakeUsers) -> None:
        self._users = users
        self._done: set[UUID] = set()

    async def delete(self, command: Command[DeleteUser]) -> None:
        if command.command_id in self._done:
            return
        user = await self._users.get(command.data.user_id)
        admins = [it for it in self._users.users.values() if _is_active_admin(it)]
        if admins == [user]:
            raise Conflict(code="last_admin")
        del self._users.users[user.id]
        self._done.add(command.command_id)
        self._users.events += command.events


class FakeOwnData:
    """What is kept about everybody; lists are read by pages of one."""

    def __init__(self) -> None:
        self.email = "ada@example.org"
        self.notified: list[Notification] = []
        self.launched: list[Launch] = []
        self.entries: list[AuditEntry] = []
        self.gone = False
        self.breaks_at: str | None = None

    async def account(self, user_id: UUID) -> AccountRecord:
        if self.gone:
            raise NotFound(code="user_not_found")
        return AccountRecord(
            id=user_id,
            email=self.email,
            role="user",
            status="active",
            terms_version="2026-11",
            terms_accepted_at=now(),
            created_at=now(),
            updated_at=now(),
            favourites=[],
        )

    async def profile(self, _: UUID) -> Profile | None:
        return None

    async def preferences(self, _: UUID) -> Preferences:
        return Preferences(kinds={}, digest="off")

    async def sessions(self, _: UUID, current: UUID) -> list[OpenSession]:
        opened = OpenSession(
            id=current,
            created_at=now(),
            last_used_at=now(),
            device="a browser",
            network="192.0.2.1",
            current=True,
        )
        return [opened]

    async def launches(self, _: UUID, before: str | None) -> LaunchPage:
        start = int(before or 0)
        following = str(start + 1) if start + 1 < len(self.launched) else None
        return LaunchPage(items=self.launched[start : start + 1], next=following)

    async def notifications(self, _: UUID, before: str | None) -> NotificationPage:
        start = int(before or 0)
        following = str(start + 1) if start + 1 < len(self.notified) else None
        return NotificationPage(items=self.notified[start : start + 1], next=following)

    async def tasks(self, _: UUID, before: str | None) -> BackgroundTasks:
        assert before is None
        return BackgroundTasks(items=[], next=None)

    async def audit(self, _: UUID, before: str | None) -> AuditPage:
        if before is not None and before == self.breaks_at:
            raise Unavailable
        start = int(before or 0)
        following = str(start + 1) if start + 1 < len(self.entries) else None
        return AuditPage(items=self.entries[start : start + 1], next=following)


class FakeEvents:
    """Events that were recorded without another write; none while `down`."""

    def __init__(self) -> None:
        self.recorded: set[UUID] = set()
        self.events: list[NewEvent] = []
        self.down = False

    async def record(self, command: Command[Nothing]) -> None:
        if self.down:
            raise Unavailable
        if command.command_id in self.recorded:
            if self._content(command.events) != self._content(
                [it for it in self.events if it.envelope.event_id in _ids(command.events)]
            ):
                raise Conflict(code="command_reused")
            return
        stored = {event.envelope.event_id for event in self.events}
        if stored & {event.envelope.event_id for event in command.events}:
            raise Conflict(code="event_exists")
        self.recorded.add(command.command_id)
        self.events += command.events

    @staticmethod
    def _content(events: Sequence[NewEvent]) -> list[object]:
        return [(it.aggregate_id, it.envelope.event_type, it.envelope.payload) for it in events]


def _ids(events: Sequence[NewEvent]) -> set[UUID]:
    return {event.envelope.event_id for event in events}


class FakeLimit:
    """A limit that refuses once a test sets `closed`."""

    def __init__(self) -> None:
        self.closed = False
        self.taken: list[tuple[str, str]] = []

    async def take(self, email: str, network: str) -> None:
        if self.closed:
            raise TooManyRequests(retry_after=60)
        self.taken.append((email, network))


class FakeProfiles:
    """Profiles by user; the next `stale` replacements fail with `stale_version`."""

    def __init__(self) -> None:
        self.profiles: dict[UUID, StoredProfile] = {}
        self.answered: dict[UUID, StoredProfile] = {}
        self.commands: list[Command[WriteProfile]] = []
        self.events: list[NewEvent] = []
        self.stale = 0

    async def of_user(self, user_id: UUID) -> StoredProfile | None:
        return self.profiles.get(user_id)

    async def get(self, user_id: UUID) -> StoredProfile:
        if user_id not in self.profiles:
            raise NotFound(code="profile_not_found")
        return self.profiles[user_id]

    async def create(self, command: Command[WriteProfile]) -> StoredProfile:
        self.commands.append(command)
        if command.command_id in self.answered:
            return self.answered[command.command_id]
        if command.data.user_id in self.profiles:
            raise Conflict(code="profile_exists")
        return self._store(command, version=1)

    async def replace(self, command: Command[WriteProfile]) -> StoredProfile:
        if command.command_id in self.answered:
            return self.answered[command.command_id]
        stored = await self.get(command.data.user_id)
        if self.stale:
            self.stale -= 1
            raise Conflict(code="stale_version")
        if command.expected_version not in {None, stored.version}:
            raise Conflict(code="stale_version")
        return self._store(command, version=stored.version + 1)

    def _store(self, command: Command[WriteProfile], *, version: int) -> StoredProfile:
        written = command.data
        before = self.profiles.get(written.user_id)
        stored = StoredProfile(
            **written.model_dump(exclude={"profile_id"}),
            id=before.id if before else written.profile_id,
            version=version,
            created_at=before.created_at if before else now(),
            updated_at=now(),
        )
        self.profiles[written.user_id] = self.answered[command.command_id] = stored
        self.events += command.events
        return stored


class FakeAuditLog:
    """Entries, newest first; the cursor is a number."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    async def page(self, user_id: UUID | None, limit: int, before: str | None) -> AuditPage:
        if before is not None and not before.isdigit():
            raise InvalidRequest(code="cursor_invalid")
        found = [e for e in self.entries if user_id in {None, e.user_id}]
        start = int(before or 0)
        end = start + limit
        return AuditPage(items=found[start:end], next=str(end) if end < len(found) else None)


class FakeTasks:
    """Tasks that wait until a test ends them."""

    def __init__(self) -> None:
        self.tasks: dict[UUID, StoredTask] = {}
        self.answered: dict[UUID, StoredTask] = {}

    async def start(self, start: StartBackgroundTask) -> StoredTask:
        if start.command_id in self.answered:
            return self.answered[start.command_id]
        if start.task_id in self.tasks:
            raise Conflict(code="task_exists")
        task = StoredTask(
            id=start.task_id,
            kind=start.kind,
            owner_id=start.owner_id,
            status="queued",
            progress=0,
            params=start.params,
            attempts=0,
            created_at=now(),
            version=1,
        )
        self.tasks[task.id] = self.answered[start.command_id] = task
        return task

    def end(self, task_id: UUID, result: JsonValue = None) -> None:
        """Let a task succeed."""
        self.tasks[task_id] = self.tasks[task_id].model_copy(
            update={
                "status": "succeeded",
                "progress": 100,
                "result": result,
                "finished_at": now(),
            }
        )

    async def get(self, task_id: UUID) -> StoredTask:
        if task_id not in self.tasks:
            raise NotFound(code="task_not_found")
        return self.tasks[task_id]

    async def page(
        self, owner_id: UUID | None, kind: str | None, limit: int, before: str | None
    ) -> StoredTasks:
        if before is not None and not before.isdigit():
            raise InvalidRequest(code="cursor_invalid")
        found = [
            it
            for it in self.tasks.values()
            if owner_id in {None, it.owner_id} and kind in {None, it.kind}
        ]
        found.reverse()
        start = int(before or 0)
        end = start + limit
        return StoredTasks(items=found[start:end], next=str(end) if end < len(found) else None)

    async def cancel(self, task_id: UUID) -> StoredTask:
        task = await self.get(task_id)
        if task.status == "queued":
            ended = {"status": "cancelled", "cancel_requested_at": now(), "finished_at": now()}
            self.tasks[task_id] = task.model_copy(update=ended)
        return self.tasks[task_id]


class FakeDeliveries:
    """Deliveries, newest first; the cursor is a number. Times are not compared."""

    def __init__(self) -> None:
        self.deliveries: list[ShownDelivery] = []
        self.answered: dict[UUID, DeliveriesReplayed] = {}
        self.events: list[NewEvent] = []
        self.down = False

    async def page(self, wanted: Wanted, limit: int, before: str | None) -> DeliveryPage:
        if before is not None and not before.isdigit():
            raise InvalidRequest(code="cursor_invalid")
        found = [
            it
            for it in self.deliveries
            if wanted.state in {None, it.state}
            and wanted.consumer in {None, it.consumer}
            and wanted.event_type in {None, it.event_type}
        ]
        start = int(before or 0)
        end = start + limit
        return DeliveryPage(
            items=list(found[start:end]), next=str(end) if end < len(found) else None
        )

    async def get(self, delivery_id: UUID) -> ShownDelivery:
        for delivery in self.deliveries:
            if delivery.delivery_id == delivery_id:
                return delivery
        raise NotFound(code="delivery_not_found")

    async def backlog(self) -> Backlog:
        if self.down:
            raise Unavailable
        dead = Counter(it.consumer for it in self.deliveries if it.state == "dead")
        return Backlog(
            consumers=[
                ConsumerBacklog(consumer=name, dead=dead[name]) for name in ("audit", "mail")
            ]
        )

    async def replay(self, command: Command[ReplayDeliveries]) -> DeliveriesReplayed:
        if command.command_id in self.answered:
            return self.answered[command.command_id]
        wanted = command.data
        if wanted.delivery_id and (await self.get(wanted.delivery_id)).state != "dead":
            raise Conflict(code="delivery_not_dead")
        matching = [
            it
            for it in reversed(self.deliveries)
            if it.state == "dead"
            and wanted.delivery_id in {None, it.delivery_id}
            and wanted.consumer in {None, it.consumer}
            and wanted.event_type in {None, it.event_type}
        ][: wanted.limit]
        self.deliveries = [
            it.model_copy(update={"state": "pending", "attempts": 0}) if it in matching else it
            for it in self.deliveries
        ]
        self.events += command.events
        replayed = self.answered[command.command_id] = DeliveriesReplayed(replayed=len(matching))
        return replayed


class FakeRecipients:
    """Recipients by id, with what they chose."""

    def __init__(self) -> None:
        self.recipients: dict[UUID, Recipient] = {}
        self.versions: dict[UUID, int] = {}

    def add(self, user_id: UUID | None = None, **fields: object) -> Recipient:
        """Somebody with the defaults of a user without a profile, unless `fields` say otherwise."""
        recipient = Recipient.model_validate(
            {
                "user_id": user_id or uuid4(),
                "email": "ada@example.org",
                "status": "active",
                "language": None,
                "timezone": None,
                "kinds": {},
                "digest": "off",
            }
            | fields
        )
        self.recipients[recipient.user_id] = recipient
        return recipient

    async def get(self, user_id: UUID) -> Recipient:
        if user_id not in self.recipients:
            raise NotFound(code="user_not_found")
        return self.recipients[user_id]

    async def replace_preferences(self, command: Command[WritePreferences]) -> StoredPreferences:
        written = command.data
        recipient = await self.get(written.user_id)
        self.recipients[written.user_id] = recipient.model_copy(
            update={"kinds": written.kinds, "digest": written.digest}
        )
        self.versions[written.user_id] = self.versions.get(written.user_id, 0) + 1
        return StoredPreferences(**dict(written), version=self.versions[written.user_id])


class FakeTimeline:
    """Notifications of all users; unreachable while `down`. The cursor is a number."""

    def __init__(self) -> None:
        self.created: dict[UUID, NotificationCreated] = {}
        self.marks: dict[UUID, datetime] = {}
        self.read_until: dict[UUID, datetime] = {}
        self.down = False

    async def page(
        self, user_id: UUID, *, unread: bool, limit: int, before: str | None
    ) -> NotificationPage:
        self._reach()
        if before is not None and not before.isdigit():
            raise InvalidRequest(code="cursor_invalid")
        found = [it for it in self._items(user_id) if not (unread and it.read_at)]
        start = int(before or 0)
        end = start + limit
        return NotificationPage(items=found[start:end], next=str(end) if end < len(found) else None)

    async def unread(self, user_id: UUID) -> UnreadItems:
        self._reach()
        found = [it for it in self._items(user_id) if it.read_at is None]
        items = [UnreadItem(id=it.id, created_at=it.created_at) for it in found]
        return UnreadItems(items=items, complete=True)

    async def apply(self, events: Sequence[EventEnvelope]) -> None:
        self._reach()
        for event in events:
            if event.event_type == "notification.created":
                created = NotificationCreated.model_validate(event.payload)
                self.created[created.id] = created
                continue
            read = NotificationRead.model_validate(event.payload)
            for notification_id in read.ids or ():
                self.marks.setdefault(notification_id, event.occurred_at)
            if read.ids is None:
                self.read_until[read.user_id] = event.occurred_at

    def _reach(self) -> None:
        if self.down:
            raise Unavailable

    def _items(self, user_id: UUID) -> list[Notification]:
        mine = [it for it in self.created.values() if it.user_id == user_id]
        mine.sort(key=lambda it: (it.created_at, it.id), reverse=True)
        return [
            Notification(
                **it.model_dump(exclude={"user_id", "language", "channels"}),
                read_at=self._read_at(it),
            )
            for it in mine
        ]

    def _read_at(self, created: NotificationCreated) -> datetime | None:
        until = self.read_until.get(created.user_id)
        return self.marks.get(created.id) or (
            until if until and until >= created.created_at else None
        )


class FakeUnreadCounts:
    """Unread ids by user; a count is known once it was built. Unreachable while `down`."""

    def __init__(self) -> None:
        self.unread: dict[UUID, set[UUID]] = {}
        self.built: set[UUID] = set()
        self.stale: set[UUID] = set()
        self.down = False

    async def get(self, user_id: UUID) -> UnreadCount:
        self._reach()
        known = user_id in self.built
        count = len(self.unread.get(user_id, ()))
        return UnreadCount(unread=count, known=known, current=known and user_id not in self.stale)

    async def rebuild(self, user_id: UUID, unread: UnreadItems) -> UnreadCount:
        self._reach()
        self.built.add(user_id)
        self.stale.discard(user_id)
        self.unread[user_id] = {item.id for item in unread.items}
        return await self.get(user_id)

    async def apply(self, events: Sequence[EventEnvelope]) -> None:
        self._reach()
        for event in events:
            user_id = UUID(str(event.payload["user_id"]))
            ids = self.unread.setdefault(user_id, set())
            if event.event_type == "notification.created":
                ids.add(UUID(str(event.payload["id"])))
            else:
                read = NotificationRead.model_validate(event.payload)
                ids -= set(ids if read.ids is None else read.ids)

    def _reach(self) -> None:
        if self.down:
            raise Unavailable


class FakeExports:
    """The files of exports by task; a link is a token that is taken once."""

    def __init__(self) -> None:
        self.files: dict[UUID, bytes] = {}
        self.tokens: dict[str, UUID] = {}
        self.tags: dict[str, str] = {}

    async def link(self, task_id: UUID) -> ExportLink:
        if task_id not in self.files:
            raise Gone(code="export_expired")
        token = uuid4().hex
        self.tokens[token] = task_id
        return ExportLink(url=f"http://host/api/exports/download/{token}", expires_in=300)

    @asynccontextmanager
    async def download(self, token: str, begun: Begun | None) -> AsyncIterator[Download]:
        if token not in self.tokens:
            raise NotFound(code="link_not_found")
        tag = self.tags.get(token)
        if tag and (begun is None or begun.tag != tag):
            raise Gone(code="link_expired")
        self.tags[token] = tag or uuid4().hex
        file = self.files[self.tokens[token]]
        start = begun.start if begun else 0

        async def chunks() -> AsyncIterator[bytes]:
            yield file[start : start + 2]
            yield file[start + 2 :]

        yield Download(
            length=str(len(file) - start),
            disposition='attachment; filename="users.csv"',
            tag=f'"{self.tags[token]}"',
            part=f"bytes {start}-{len(file) - 1}/{len(file)}" if start else None,
            chunks=chunks(),
        )
