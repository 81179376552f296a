"""One test suite for each protocol of the domains, run against the fakes and the adapters.

The adapters run against stub services in memory and, by `./dev test adapters`, against the
running services.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from fakes import FakeUsers
from pydantic import JsonValue
from stub_services import StubServices

from features.audit.domain import AuditLog
from features.audit.infrastructure import CassandraAuditLog
from features.notifications.domain import Recipients, Timeline, UnreadCounts
from features.notifications.infrastructure import (
    CassandraTimeline,
    PostgresRecipients,
    RedisUnreadCounts,
)
from features.profile.domain import ProfileStore
from features.profile.infrastructure import PostgresProfiles
from features.user_administration.domain import Credentials
from features.user_export.domain import Exports
from features.user_export.infrastructure import WorkerExports
from features.user_registration.domain import Registrations
from features.user_registration.infrastructure import PostgresRegistrations
from services.actor import Actor, Events, action_of
from services.auth_credentials import AuthCredentials
from services.postgres_events import PostgresEvents
from services.postgres_users import PostgresUsers
from services.wanted_users import WantedUsers
from services.worker_tasks import Tasks, WorkerTasks
from shared.kit.errors import Conflict, Gone, InvalidRequest, NotFound
from shared.kit.http.client import ServiceClient
from shared.kit.http.context import correlated
from shared.models.audit import AuditEntry, AuditRead, AuditStored
from shared.models.base import now
from shared.models.event import Command, EventEnvelope, NewEvent
from shared.models.notification import (
    KindPreference,
    NotificationCreated,
    NotificationRead,
    UnreadItem,
    UnreadItems,
    WritePreferences,
)
from shared.models.profile import ProfileCreated, WriteProfile
from shared.models.registration import NewRegistration
from shared.models.task import StartBackgroundTask
from shared.models.user import NewUser, Role, User, UserChange, UserRoleChanged
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from shared.testing.stack_client import stack_client

ROLES: tuple[Role, ...] = ("admin", "user")
PASSWORD = "correct horse battery staple"
KeepEvent = Callable[[EventEnvelope], Awaitable[None]]


@dataclass
class World:
    """Everything that the domains need, from one source; `keep` puts an event into the log."""

    users: FakeUsers | PostgresUsers
    registrations: Registrations
    credentials: Credentials
    profiles: ProfileStore
    audit: AuditLog
    tasks: Tasks
    exports: Exports
    events: Events
    recipients: Recipients
    timeline: Timeline
    unread: UnreadCounts
    keep: KeepEvent

    async def new_registration(self) -> Command[NewRegistration]:
        """The command that stores a registration of a fresh address."""
        registration = NewRegistration(
            user_id=uuid4(),
            email=new_email(),
            credential_id=await self.credentials.store(PASSWORD),
            terms_version="2026-11",
            terms_accepted_at=now(),
            network="192.0.2.1",
            expires_at=now() + timedelta(days=2),
        )
        return Command[NewRegistration](command_id=uuid4(), data=registration)

    async def creation(self, email: str | None = None) -> Command[NewUser]:
        """The command that creates a user; of a fresh address unless one is given."""
        user_id, command_id = uuid4(), uuid4()
        user = NewUser(
            user_id=user_id,
            email=email or new_email(),
            credential_id=await self.credentials.store(PASSWORD),
        )
        event = NewEvent.of(
            "user.role.changed",
            UserRoleChanged(user_id=user_id, role="user"),
            aggregate_id=user_id,
            command_id=command_id,
            correlation_id="a-test-of-adapters",
        )
        return Command(command_id=command_id, data=user, events=[event])

    async def new_user(self) -> User:
        return await self.users.create(await self.creation())


def new_email() -> str:
    return f"{uuid4().hex}@example.org"


def world_of_fakes(stubs: StubServices) -> World:
    async def keep(envelope: EventEnvelope) -> None:
        stubs.audit.entries.insert(0, entry_of(envelope))

    return World(
        stubs.users,
        stubs.registrations,
        stubs.credentials,
        stubs.profiles,
        stubs.audit,
        stubs.tasks,
        stubs.exports,
        stubs.events,
        stubs.recipients,
        stubs.timeline,
        stubs.unread,
        keep,
    )


def world_of_adapters(client: Callable[[str], ServiceClient], keep: KeepEvent) -> World:
    postgres = client("back-postgres")
    return World(
        PostgresUsers(postgres),
        PostgresRegistrations(postgres),
        AuthCredentials(client("back-auth")),
        PostgresProfiles(postgres),
        CassandraAuditLog(client("back-cassandra")),
        WorkerTasks(client("back-workers")),
        WorkerExports(client("back-workers")),
        PostgresEvents(postgres),
        PostgresRecipients(postgres),
        CassandraTimeline(client("back-cassandra")),
        RedisUnreadCounts(client("back-redis")),
        keep,
    )


async def real_world(stack: AsyncExitStack) -> World:
    callees = ("back-auth", "back-cassandra", "back-postgres", "back-redis", "back-workers")
    clients = {
        name: await stack.enter_async_context(stack_client("back-api", name)) for name in callees
    }
    relay = await stack.enter_async_context(stack_client("back-workers", "back-cassandra"))

    async def keep(envelope: EventEnvelope) -> None:
        await relay.post("/audit/events", envelope, response_model=AuditStored, idempotent=True)

    return world_of_adapters(clients.__getitem__, keep)


def entry_of(envelope: EventEnvelope) -> AuditEntry:
    return AuditEntry(
        event_id=envelope.event_id,
        event_type=envelope.event_type,
        occurred_at=envelope.occurred_at,
        user_id=UUID(str(envelope.payload["user_id"])),
        correlation_id=envelope.correlation_id,
        payload=envelope.payload,
    )


# The pact with back-postgres says what the real service does (docs/decisions/0010).
COVERED_BY_A_PACT = pytest.mark.parametrize("world", ["fakes", "adapters"], indirect=True)


@pytest.fixture(params=["fakes", "adapters", pytest.param("real", marks=pytest.mark.real)])
async def world(
    request: pytest.FixtureRequest, stubs: StubServices, keys: Identities
) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        stack.enter_context(correlated(None))
        fakes = world_of_fakes(stubs)
        if request.param == "fakes":
            yield fakes
            return
        clients = {
            name: keys.client("back-api", name, AsgiTransport(app))
            for name, app in stubs.apps().items()
        }
        if request.param == "adapters":
            yield world_of_adapters(clients.__getitem__, fakes.keep)
        else:
            yield await real_world(stack)


class TestPagesOfUsers:
    async def test_holds_who_is_searched(self, world: World) -> None:
        user = await world.new_user()
        page = await world.users.page(WantedUsers(search=user.email.upper()), 10, None)
        assert [(it.id, it.email, it.last_name) for it in page.items] == [
            (user.id, user.email, None)
        ]
        assert page.next is None
        others = WantedUsers(search=user.email, role="admin", status="active")
        assert (await world.users.page(others, 10, None)).items == []

    async def test_goes_on_after_the_last(self, world: World) -> None:
        name = uuid4().hex
        older, newer = [
            await world.users.create(await world.creation(f"{name}.{number}@example.org"))
            for number in range(2)
        ]
        first = await world.users.page(WantedUsers(search=name), 1, None)
        assert [it.id for it in first.items] == [newer.id]
        second = await world.users.page(WantedUsers(search=name), 1, first.next)
        assert ([it.id for it in second.items], second.next) == ([older.id], None)

    async def test_garbage_is_no_cursor(self, world: World) -> None:
        with pytest.raises(InvalidRequest) as raised:
            await world.users.page(WantedUsers(), 10, "garbage")
        assert raised.value.code == "cursor_invalid"


@COVERED_BY_A_PACT
class TestUsers:
    async def test_nobody(self, world: World) -> None:
        assert await world.users.find(new_email()) is None
        with pytest.raises(NotFound) as raised:
            await world.users.get(uuid4())
        assert raised.value.code == "user_not_found"

    async def test_is_found_as_created(self, world: World) -> None:
        command = await world.creation()
        created = await world.users.create(command)
        assert (created.id, created.email) == (command.data.user_id, command.data.email)
        assert (created.role, created.status, created.version) == ("user", command.data.status, 1)
        assert await world.users.get(created.id) == created
        assert await world.users.find(created.email) == created

    async def test_a_repeated_command_answers_the_same(self, world: World) -> None:
        command = await world.creation()
        created = await world.users.create(command)
        assert await world.users.create(command) == created

    async def test_an_address_belongs_to_one(self, world: World) -> None:
        user = await world.new_user()
        with pytest.raises(Conflict) as raised:
            await world.users.create(await world.creation(user.email))
        assert raised.value.code == "email_taken"

    async def test_changes_what_is_named(self, world: World) -> None:
        user = await world.new_user()
        change = Command[UserChange](
            command_id=uuid4(), expected_version=user.version, data=UserChange(role="admin")
        )
        changed = await world.users.change(user.id, change)
        assert changed == user.model_copy(
            update={"role": "admin", "version": 2, "session_generation": 2}
        )
        assert await world.users.change(user.id, change) == changed

    async def test_changes_nothing_that_another_changed_meanwhile(self, world: World) -> None:
        user = await world.new_user()
        first, second = (
            Command[UserChange](
                command_id=uuid4(), expected_version=user.version, data=UserChange(role=role)
            )
            for role in ROLES
        )
        changed = await world.users.change(user.id, first)
        with pytest.raises(Conflict) as raised:
            await world.users.change(user.id, second)
        assert raised.value.code == "stale_version"
        assert await world.users.get(user.id) == changed

    async def test_nobody_can_not_be_changed(self, world: World) -> None:
        with pytest.raises(NotFound):
            await world.users.change(
                uuid4(), Command(command_id=uuid4(), data=UserChange(status="active"))
            )


@COVERED_BY_A_PACT
class TestRegistrations:
    async def test_a_repeated_command_stores_one(self, world: World) -> None:
        command = await world.new_registration()
        await world.registrations.create(command)
        await world.registrations.create(command)
        with pytest.raises(Conflict) as raised:
            await world.registrations.create(command.model_copy(update={"command_id": uuid4()}))
        assert raised.value.code == "registration_exists"


@COVERED_BY_A_PACT
class TestEvents:
    async def test_are_stored_once(self, world: World) -> None:
        actor = Actor(uuid4(), "192.0.2.1")
        read = AuditRead(actor_id=actor.user_id, subject_id=None, network=actor.network)
        command = action_of(actor, "audit.read", read)
        await world.events.record(command)
        await world.events.record(command)
        with pytest.raises(Conflict) as raised:
            await world.events.record(command.model_copy(update={"command_id": uuid4()}))
        assert raised.value.code == "event_exists"


@pytest.mark.contract(consumer="back-api", provider="back-auth")
class TestCredentials:
    async def test_each_password_becomes_one_of_its_own(self, world: World) -> None:
        first = await world.credentials.store(PASSWORD)
        assert await world.credentials.store(PASSWORD) != first


def writing(
    user_id: UUID, company: str | None = None, *, version: int | None = None
) -> Command[WriteProfile]:
    command_id, profile_id = uuid4(), uuid4()
    written = WriteProfile(
        profile_id=profile_id,
        user_id=user_id,
        first_name="Ada",
        last_name="Lovelace",
        company=company,
        language="en",
        timezone="Europe/London",
        completion=40,
    )
    event = NewEvent.of(
        "profile.created",
        ProfileCreated(user_id=user_id, profile_id=profile_id, completion=40),
        aggregate_id=profile_id,
        command_id=command_id,
        correlation_id="a-test-of-adapters",
    )
    return Command(command_id=command_id, expected_version=version, data=written, events=[event])


@COVERED_BY_A_PACT
class TestProfiles:
    async def test_of_nobody(self, world: World) -> None:
        with pytest.raises(NotFound) as raised:
            await world.profiles.get(uuid4())
        assert raised.value.code == "profile_not_found"

    async def test_is_found_as_written(self, world: World) -> None:
        command = writing((await world.new_user()).id)
        stored = await world.profiles.create(command)
        assert (stored.id, stored.version) == (command.data.profile_id, 1)
        assert stored.model_dump(include=set(WriteProfile.model_fields)) == (
            command.data.model_dump(exclude={"profile_id"})
        )
        assert await world.profiles.get(command.data.user_id) == stored
        assert await world.profiles.create(command) == stored

    async def test_a_user_has_one(self, world: World) -> None:
        user = await world.new_user()
        await world.profiles.create(writing(user.id))
        with pytest.raises(Conflict) as raised:
            await world.profiles.create(writing(user.id))
        assert raised.value.code == "profile_exists"

    async def test_is_replaced_by_whoever_knows_its_version(self, world: World) -> None:
        user = await world.new_user()
        first = await world.profiles.create(writing(user.id))
        second = await world.profiles.replace(writing(user.id, "Analytical", version=1))
        assert (second.id, second.company, second.version) == (first.id, "Analytical", 2)
        assert second.created_at == first.created_at
        with pytest.raises(Conflict) as raised:
            await world.profiles.replace(writing(user.id, "Difference", version=1))
        assert raised.value.code == "stale_version"
        assert await world.profiles.get(user.id) == second

    async def test_there_has_to_be_one_to_replace(self, world: World) -> None:
        user = await world.new_user()
        with pytest.raises(NotFound) as raised:
            await world.profiles.replace(writing(user.id, version=1))
        assert raised.value.code == "profile_not_found"


def happened(user_id: UUID, minutes_ago: int) -> EventEnvelope:
    return EventEnvelope(
        event_id=uuid4(),
        event_type="auth.login",
        occurred_at=now() - timedelta(minutes=minutes_ago),
        correlation_id="a-test-of-adapters",
        payload={"user_id": str(user_id)},
    )


@pytest.mark.contract(consumer="back-api", provider="back-cassandra")
class TestAuditLog:
    async def test_tells_a_users_events_page_by_page_newest_first(self, world: World) -> None:
        user_id = uuid4()
        events = [happened(user_id, minutes_ago) for minutes_ago in (3, 2, 1)]
        for event in events:
            await world.keep(event)
        await world.keep(happened(uuid4(), 0))
        first = await world.audit.page(user_id, 2, None)
        assert [entry.event_id for entry in first.items] == [
            events[2].event_id,
            events[1].event_id,
        ]
        rest = await world.audit.page(user_id, 2, first.next)
        assert [entry.event_id for entry in rest.items] == [events[0].event_id]
        assert rest.next is None
        assert rest.items[0].user_id == user_id
        assert rest.items[0].payload == events[0].payload

    async def test_of_all_users(self, world: World) -> None:
        event = happened(uuid4(), 0)
        await world.keep(event)
        page = await world.audit.page(None, 200, None)
        assert event.event_id in [entry.event_id for entry in page.items]

    async def test_of_nobody_is_empty(self, world: World) -> None:
        page = await world.audit.page(uuid4(), 5, None)
        assert (page.items, page.next) == ([], None)

    async def test_what_is_no_cursor_is_refused(self, world: World) -> None:
        with pytest.raises(InvalidRequest) as raised:
            await world.audit.page(uuid4(), 5, "yesterday")
        assert raised.value.code == "cursor_invalid"


def starting(owner_id: UUID) -> StartBackgroundTask:
    return StartBackgroundTask(
        command_id=uuid4(), task_id=uuid4(), kind="sweep_credentials", owner_id=owner_id
    )


def notification(user_id: UUID, minutes_ago: int) -> EventEnvelope:
    event_id, moment = uuid4(), now() - timedelta(minutes=minutes_ago)
    created = NotificationCreated(
        user_id=user_id,
        id=event_id,
        kind="admin_message",
        title="title",
        body="body",
        data={},
        created_at=moment,
        language="en",
        channels=[],
    )
    return told("notification.created", created.model_dump(mode="json"), event_id)


def mark(user_id: UUID, *ids: UUID) -> EventEnvelope:
    read = NotificationRead(user_id=user_id, ids=list(ids) or None)
    return told("notification.read", read.model_dump(mode="json"), uuid4())


def told(event_type: str, payload: dict[str, JsonValue], event_id: UUID) -> EventEnvelope:
    return EventEnvelope(
        event_id=event_id,
        event_type=event_type,
        occurred_at=now(),
        correlation_id="a-test-of-adapters",
        payload=payload,
    )


@pytest.mark.contract(consumer="back-api", provider="back-cassandra")
class TestTimeline:
    async def test_holds_what_was_applied_by_pages(self, world: World) -> None:
        user_id = uuid4()
        events = [notification(user_id, minutes_ago) for minutes_ago in (3, 2, 1)]
        await world.timeline.apply([*events, mark(user_id, events[1].event_id)])
        first = await world.timeline.page(user_id, unread=False, limit=2, before=None)
        assert [it.id for it in first.items] == [events[2].event_id, events[1].event_id]
        assert [it.read_at is None for it in first.items] == [True, False]
        rest = await world.timeline.page(user_id, unread=False, limit=2, before=first.next)
        assert ([it.id for it in rest.items], rest.next) == ([events[0].event_id], None)
        unread = await world.timeline.page(user_id, unread=True, limit=9, before=None)
        assert [it.id for it in unread.items] == [events[2].event_id, events[0].event_id]
        found = await world.timeline.unread(user_id)
        assert ([it.id for it in found.items], found.complete) == (
            [it.id for it in unread.items],
            True,
        )

    async def test_all_of_one_can_be_read(self, world: World) -> None:
        user_id = uuid4()
        await world.timeline.apply([notification(user_id, 1), mark(user_id)])
        assert (await world.timeline.unread(user_id)).items == []

    async def test_what_is_no_cursor_is_refused(self, world: World) -> None:
        with pytest.raises(InvalidRequest) as raised:
            await world.timeline.page(uuid4(), unread=False, limit=5, before="yesterday")
        assert raised.value.code == "cursor_invalid"


@pytest.mark.contract(consumer="back-api", provider="back-redis")
class TestUnreadCounts:
    async def test_is_known_once_it_was_built(self, world: World) -> None:
        user_id = uuid4()
        event = notification(user_id, 1)
        assert not (await world.unread.get(user_id)).known
        item = UnreadItem(id=event.event_id, created_at=event.occurred_at)
        built = await world.unread.rebuild(user_id, UnreadItems(items=[item], complete=True))
        assert (built.unread, built.known, built.current) == (1, True, True)
        assert await world.unread.get(user_id) == built

    async def test_follows_events(self, world: World) -> None:
        user_id = uuid4()
        events = [notification(user_id, minutes_ago) for minutes_ago in (3, 2, 1)]
        for _ in range(2):
            await world.unread.apply(events)
        await world.unread.apply([mark(user_id, events[0].event_id)])
        assert (await world.unread.get(user_id)).unread == 2
        await world.unread.apply([mark(user_id)])
        assert (await world.unread.get(user_id)).unread == 0


@COVERED_BY_A_PACT
class TestRecipients:
    async def test_nobody(self, world: World) -> None:
        with pytest.raises(NotFound) as raised:
            await world.recipients.get(uuid4())
        assert raised.value.code == "user_not_found"

    async def test_have_what_was_stored(self, world: World, stubs: StubServices) -> None:
        user_id = stubs.recipients.add().user_id
        chosen = {"welcome": KindPreference(live=True, mail=False)}
        command = Command[WritePreferences](
            command_id=uuid4(),
            data=WritePreferences(user_id=user_id, kinds=chosen, digest="daily"),
        )
        stored = await world.recipients.replace_preferences(command)
        assert (stored.kinds, stored.digest, stored.version) == (chosen, "daily", 1)
        recipient = await world.recipients.get(user_id)
        assert (recipient.kinds, recipient.digest) == (chosen, "daily")


@pytest.mark.contract(consumer="back-api", provider="back-workers")
class TestTasks:
    async def test_a_started_one_is_known(self, world: World) -> None:
        start = starting((await world.new_user()).id)
        started = await world.tasks.start(start)
        assert (started.id, started.kind, started.status) == (start.task_id, start.kind, "queued")
        assert await world.tasks.start(start) == started
        found = await world.tasks.get(started.id)
        assert (found.id, found.owner_id) == (started.id, start.owner_id)

    async def test_are_listed_for_their_owner_newest_first(self, world: World) -> None:
        owner_id = (await world.new_user()).id
        started = [await world.tasks.start(starting(owner_id)) for _ in range(3)]
        first = await world.tasks.page(owner_id, None, 2, None)
        rest = await world.tasks.page(owner_id, None, 2, first.next)
        assert [it.id for it in first.items + rest.items] == [it.id for it in reversed(started)]
        assert rest.next is None

    async def test_are_listed_by_kind(self, world: World) -> None:
        owner_id = (await world.new_user()).id
        started = await world.tasks.start(starting(owner_id))
        mine = await world.tasks.page(owner_id, started.kind, 5, None)
        others = await world.tasks.page(owner_id, "user_export", 5, None)
        assert ([it.id for it in mine.items], others.items) == ([started.id], [])

    async def test_what_is_no_cursor_is_refused(self, world: World) -> None:
        with pytest.raises(InvalidRequest) as raised:
            await world.tasks.page(uuid4(), None, 5, "yesterday")
        assert raised.value.code == "cursor_invalid"

    async def test_can_be_cancelled_again_and_again(self, world: World) -> None:
        started = await world.tasks.start(starting((await world.new_user()).id))
        for _ in range(2):
            cancelled = await world.tasks.cancel(started.id)
            assert cancelled.id == started.id
            assert cancelled.status != "queued"

    async def test_an_unknown_one_is_not_found(self, world: World) -> None:
        for call in (world.tasks.get(uuid4()), world.tasks.cancel(uuid4())):
            with pytest.raises(NotFound) as raised:
                await call
            assert raised.value.code == "task_not_found"


@pytest.mark.contract(consumer="back-api", provider="back-workers")
class TestExports:
    async def test_one_without_a_file_has_no_link(self, world: World) -> None:
        with pytest.raises(Gone) as raised:
            await world.exports.link(uuid4())
        assert raised.value.code == "export_expired"

    async def test_a_link_that_nobody_made_is_not_found(self, world: World) -> None:
        with pytest.raises(NotFound) as raised:
            async with world.exports.download("x" * 43, None):
                raise AssertionError("it was opened")
        assert raised.value.code == "link_not_found"
