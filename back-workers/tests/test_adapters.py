"""What back-workers relies on beside the outbox: fakes, and the services of a stack."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from mailing.mail_sender import (
    ServiceMailTokens,
    ServiceRecipients,
    ServiceRegistrations,
    ServiceTimeline,
)
from relay.consumers import LAUNCHES, TIMELINE, UNREAD, applied, audit, live, revocations
from relay.erasure import erasure
from relay.security_events import SecurityEventCarrier
from settings import Settings
from shared.kit import ServiceClient
from shared.kit.errors import Conflict, NotFound
from shared.kit.http.context import correlated
from shared.models.audit import AuditPage
from shared.models.auth import LoggedOut
from shared.models.event import (
    Command,
    Delivery,
    EventEnvelope,
    NewEvent,
    Nothing,
    Recorded,
)
from shared.models.live import LiveEvents
from shared.models.notification import DigestDue, DigestZone, DueDigests, FindDueDigests
from shared.models.registration import NewRegistration, RegistrationStored
from shared.models.task import BeginTask, FinishTask, ReportTask, StartBackgroundTask
from shared.models.user import Credential, CredentialAccepted
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from shared.testing.stack_client import stack_client
from task_client import TaskClient
from tasks.maintenance import sweep, sweep_ended
from tests.fake_services import FakeServices

PASSWORD_HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"

Register = Callable[[], Awaitable[UUID]]
StoredEvents = Callable[[UUID], Awaitable[list[UUID]]]


@dataclass(frozen=True)
class World:
    """The services as back-workers calls them; ids of a user's events as others read them."""

    postgres: ServiceClient
    auth: ServiceClient
    cassandra: ServiceClient
    redis: ServiceClient
    register: Register
    audited: StoredEvents
    published: StoredEvents


def world_of_fakes(services: FakeServices, keys: Identities) -> World:
    async def register() -> UUID:
        return services.add_registration().user_id

    async def audited(user_id: UUID) -> list[UUID]:
        found = [it for it in services.audited if it.payload["user_id"] == str(user_id)]
        return [envelope.event_id for envelope in found]

    async def published(user_id: UUID) -> list[UUID]:
        return [it.envelope.event_id for it in services.published if it.user_id == user_id]

    postgres, auth, cassandra, redis = (
        keys.client("back-workers", name, AsgiTransport(services.app()))
        for name in ("back-postgres", "back-auth", "back-cassandra", "back-redis")
    )
    return World(postgres, auth, cassandra, redis, register, audited, published)


async def real_world(stack: AsyncExitStack) -> World:
    async def client(caller: str, callee: str) -> ServiceClient:
        return await stack.enter_async_context(stack_client(caller, callee))

    credentials = await client("back-auth", "back-postgres")
    users = await client("back-api", "back-postgres")
    log = await client("back-api", "back-cassandra")
    sockets = await client("back-websockets", "back-redis")

    async def register() -> UUID:
        credential = Credential(credential_id=uuid4(), password_hash=PASSWORD_HASH)
        await credentials.post("/credentials", credential, response_model=CredentialAccepted)
        new = NewRegistration(
            user_id=uuid4(),
            email=f"{uuid4().hex}@example.org",
            credential_id=credential.credential_id,
            terms_version="2026-11",
            terms_accepted_at=datetime.now(UTC),
            network="192.0.2.1",
            expires_at=datetime.now(UTC) + timedelta(days=2),
        )
        command = Command[NewRegistration](command_id=uuid4(), data=new)
        await users.post("/registrations", command, response_model=RegistrationStored)
        return new.user_id

    async def audited(user_id: UUID) -> list[UUID]:
        params = {"user_id": user_id, "limit": 10}
        page = await log.get("/audit/events", params=params, response_model=AuditPage)
        return [entry.event_id for entry in page.items]

    async def published(user_id: UUID) -> list[UUID]:
        path = f"/users/{user_id}/live-events"
        missed = await sockets.get(path, params={"since": uuid4()}, response_model=LiveEvents)
        return [envelope.event_id for envelope in missed.items]

    callees = ("back-postgres", "back-auth", "back-cassandra", "back-redis")
    postgres, auth, cassandra, redis = [await client("back-workers", it) for it in callees]
    return World(postgres, auth, cassandra, redis, register, audited, published)


@pytest.fixture(params=["fakes", pytest.param("real", marks=pytest.mark.real)])
async def world(
    request: pytest.FixtureRequest, services: FakeServices, keys: Identities
) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        stack.enter_context(correlated(None))
        fakes = request.param == "fakes"
        yield world_of_fakes(services, keys) if fakes else await real_world(stack)


def delivery(consumer: str, event_type: str, user_id: UUID) -> Delivery:
    envelope = EventEnvelope(
        event_id=uuid4(),
        event_type=event_type,
        occurred_at=datetime.now(UTC),
        correlation_id="a-test-of-adapters",
        payload={"user_id": str(user_id)},
    )
    return Delivery(
        delivery_id=uuid4(),
        consumer=consumer,
        attempts=0,
        lease_token=uuid4(),
        lease_until=envelope.occurred_at,
        envelope=envelope,
    )


@pytest.mark.contract(consumer="back-workers", provider="back-auth")
async def test_each_mail_has_a_token_of_its_own_that_a_repeat_gets_again(world: World) -> None:
    tokens = ServiceMailTokens(world.auth)
    user_id, event_id = await world.register(), uuid4()
    first = await tokens.token("verify_email", user_id, event_id)
    assert first
    assert await tokens.token("verify_email", user_id, event_id) == first
    assert await tokens.token("verify_email", user_id, uuid4()) != first


@pytest.mark.contract(consumer="back-workers", provider="back-cassandra")
async def test_an_event_is_in_the_audit_log_once(world: World) -> None:
    user_id, keep = uuid4(), audit(world.cassandra)
    event = delivery("audit", "auth.logout", user_id)
    await keep(event)
    await keep(event)
    assert await world.audited(user_id) == [event.envelope.event_id]


def notification_read(user_id: UUID) -> Delivery:
    event = delivery("timeline", "notification.read", user_id)
    event.envelope.payload["ids"] = None
    return event


@pytest.mark.contract(consumer="back-workers", provider="back-cassandra")
async def test_a_timeline_takes_events_of_notifications(world: World) -> None:
    event = notification_read(uuid4())
    apply, apply_all = applied(world.cassandra, TIMELINE)
    await apply(event)
    assert await apply_all([event]) == {}


@pytest.mark.contract(consumer="back-workers", provider="back-cassandra")
async def test_launches_are_taken_and_erased_with_their_user(world: World) -> None:
    user_id = uuid4()
    event = delivery("launches", "tool.launched", user_id)
    event.envelope.payload["tool_id"] = str(uuid4())
    apply, apply_all = applied(world.cassandra, LAUNCHES)
    await apply(event)
    assert await apply_all([event, delivery("launches", "user.deleted", user_id)]) == {}


@pytest.mark.contract(consumer="back-workers", provider="back-cassandra")
async def test_a_digest_finds_what_a_timeline_has_of_a_day(world: World) -> None:
    day = datetime(2026, 11, 22, tzinfo=UTC)
    due = DigestDue(
        user_id=uuid4(), local_date=day.date(), since=day, until=day + timedelta(days=1)
    )
    page = await ServiceTimeline(world.cassandra).between(due, 10)
    assert (page.items, page.next) == ([], None)


@pytest.mark.contract(consumer="back-workers", provider="back-redis")
async def test_an_unread_count_takes_events_of_notifications(world: World) -> None:
    event = notification_read(uuid4())
    apply, apply_all = applied(world.redis, UNREAD)
    await apply(event)
    assert await apply_all([event]) == {}


@pytest.mark.contract(consumer="back-workers", provider="back-redis")
async def test_an_event_is_published_to_its_user_once(world: World) -> None:
    user_id, publish = uuid4(), live(world.redis)
    event = delivery("live", "profile.created", user_id)
    await publish(event)
    await publish(event)
    assert await world.published(user_id) == [event.envelope.event_id]


@pytest.mark.contract(consumer="back-workers", provider="back-redis")
async def test_a_revoked_generation_is_taken_again_and_again(world: World) -> None:
    revoke, event = (
        revocations(world.redis),
        delivery("revocations", "user.sessions.revoked", uuid4()),
    )
    event.envelope.payload["session_generation"] = 2
    for _ in range(2):
        await revoke(event)


@pytest.mark.contract(consumer="back-workers", provider="back-redis")
async def test_a_deleted_user_is_forgotten_again_and_again(world: World, tmp_path: Path) -> None:
    erase, event = (
        erasure(world.postgres, world.redis, tmp_path),
        delivery("erasure", "user.deleted", uuid4()),
    )
    for _ in range(2):
        await erase(event)


@pytest.mark.contract(consumer="back-workers", provider="back-redis")
async def test_security_events_can_be_carried(world: World, settings: Settings) -> None:
    await SecurityEventCarrier(world.redis, world.postgres, settings).carry()


@pytest.mark.contract(consumer="back-workers", provider="back-postgres")
async def test_a_security_event_is_recorded_once(world: World) -> None:
    user_id = uuid4()
    logout = NewEvent.of(
        "auth.logout",
        LoggedOut(user_id=user_id, sid=uuid4()),
        aggregate_id=user_id,
        command_id=uuid4(),
        correlation_id="a-test-of-adapters",
    )
    command = Command[Nothing](command_id=uuid4(), data=Nothing(), events=[logout])
    for _ in range(2):
        stored = await world.postgres.post("/events", command, response_model=Recorded)
        assert stored.event_ids == [logout.envelope.event_id]


@pytest.mark.contract(consumer="back-workers", provider="back-postgres")
class TestBackPostgres:
    async def test_a_registration_is_found_by_id(self, world: World) -> None:
        user_id = await world.register()
        registrations = ServiceRegistrations(world.postgres)
        found = await registrations.registration(user_id)
        assert (found.user_id, found.address_taken) == (user_id, False)

    async def test_an_unknown_registration_is_not_found(self, world: World) -> None:
        registrations = ServiceRegistrations(world.postgres)
        with pytest.raises(NotFound) as raised:
            await registrations.registration(uuid4())
        assert raised.value.code == "registration_not_found"

    async def test_digests_of_a_zone_without_users_are_none(self, world: World) -> None:
        zones = [DigestZone(timezone="Antarctica/Troll", local_date=date(2026, 11, 22))]
        found = await world.postgres.post(
            "/digests/due",
            FindDueDigests(zones=zones),
            response_model=DueDigests,
            idempotent=True,
        )
        assert found.items == []

    async def test_who_is_gone_is_no_recipient(self, world: World) -> None:
        with pytest.raises(NotFound) as raised:
            await ServiceRecipients(world.postgres).recipient(uuid4())
        assert raised.value.code == "user_not_found"

    async def test_a_sweep_tells_how_many_registrations_it_removed(self, world: World) -> None:
        (removed,) = (await sweep_ended(world.postgres, 604_800)).values()
        assert removed >= 0

    async def test_a_sweep_tells_how_many_credentials_it_removed(self, world: World) -> None:
        (removed,) = (await sweep(world.postgres, 86_400)).values()
        assert removed >= 0


@pytest.mark.contract(consumer="back-workers", provider="back-postgres")
class TestTasks:
    async def test_a_started_one_is_known_and_a_repeat_starts_nothing_more(
        self, world: World
    ) -> None:
        tasks = TaskClient(world.postgres)
        start = StartBackgroundTask(command_id=uuid4(), task_id=uuid4(), kind="sweep_tasks")
        started = await tasks.start(start)
        assert (started.id, started.kind, started.status) == (start.task_id, start.kind, "queued")
        assert await tasks.start(start) == started
        assert (await tasks.read(started.id)).id == started.id
        with pytest.raises(Conflict) as raised:
            await tasks.start(start.model_copy(update={"command_id": uuid4()}))
        assert raised.value.code in {"task_exists", "event_exists"}

    async def test_an_unknown_one_is_not_found(self, world: World) -> None:
        tasks = TaskClient(world.postgres)
        for call in (tasks.read(uuid4()), tasks.cancel(uuid4())):
            with pytest.raises(NotFound) as raised:
                await call
            assert raised.value.code == "task_not_found"

    async def test_a_run_without_the_lease_is_refused(self, world: World) -> None:
        tasks = TaskClient(world.postgres)
        start = StartBackgroundTask(command_id=uuid4(), task_id=uuid4(), kind="sweep_tasks")
        task = await tasks.start(start)
        strangers: dict[str, UUID] = {"delivery_id": uuid4(), "lease_token": uuid4()}
        for call in (
            tasks.begin(task.id, BeginTask(**strangers)),
            tasks.report(task.id, ReportTask(**strangers, lease_seconds=8, progress=1)),
            tasks.finish(task, FinishTask(**strangers, status="failed")),
        ):
            with pytest.raises(Conflict) as raised:
                await call
            assert raised.value.code == "lease_lost"

    async def test_a_sweep_tells_what_it_did(self, world: World) -> None:
        swept = await TaskClient(world.postgres).sweep(604_800)
        assert swept.removed >= 0

    async def test_a_task_that_no_worker_could_run_fails_once(self, world: World) -> None:
        tasks = TaskClient(world.postgres)
        await tasks.fail_lost()
        assert await tasks.fail_lost() == 0

    async def test_a_lease_has_one_holder_until_it_is_given_up(self, world: World) -> None:
        tasks, name = TaskClient(world.postgres), f"test-{uuid4()}"
        first, second = uuid4(), uuid4()
        assert await tasks.hold_lease(name, first, 60)
        assert not await tasks.hold_lease(name, second, 60)
        assert await tasks.hold_lease(name, first, 0)
        assert await tasks.hold_lease(name, second, 60)
