"""The events of back-api as their consumers take them: fakes, and the services of a stack."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import pytest
from fakes import FakeAuditLog
from published_events import Published
from pydantic import BaseModel

from features.audit.domain import AuditLog
from features.audit.infrastructure import CassandraAuditLog
from shared.kit.http.context import correlated
from shared.models.account import UserDeleted
from shared.models.audit import AuditEntry, AuditStored
from shared.models.auth import RevokeGenerations
from shared.models.event import ApplyEvents, EventEnvelope, EventsApplied
from shared.models.live import LiveEvents, LivePublished, PublishLive
from shared.models.notification import (
    NotificationCreated,
    NotificationEvents,
    NotificationEventsApplied,
    NotificationRead,
)
from shared.models.tool import ToolLaunched
from shared.testing.contracts.pairs import event_types
from shared.testing.stack_client import stack_client

Audit = Callable[[EventEnvelope], Awaitable[list[AuditEntry]]]
Revoke = Callable[[RevokeGenerations], Awaitable[None]]
Apply = Callable[[str, EventEnvelope], Awaitable[list[UUID]]]
Launches = Callable[[EventEnvelope], Awaitable[list[UUID]]]
Live = Callable[[EventEnvelope], Awaitable[list[EventEnvelope]]]

FAKE_AND_REAL = ["fake", pytest.param("real", marks=pytest.mark.real)]


def user_of(envelope: EventEnvelope) -> UUID:
    """Whose log holds the event: the user's, or the actor's where it is about nobody."""
    payload = envelope.payload
    return UUID(str(payload.get("user_id") or payload["actor_id"]))


@pytest.fixture(params=FAKE_AND_REAL)
async def audit(request: pytest.FixtureRequest) -> AsyncIterator[Audit]:
    """Delivers an event as the relay does; what the audit log of its user holds then."""
    async with AsyncExitStack() as stack:
        stack.enter_context(correlated(None))
        if request.param == "fake":
            log: AuditLog = (fake := FakeAuditLog())

            async def deliver(envelope: EventEnvelope) -> None:
                entry = AuditEntry(**envelope.model_dump(), user_id=user_of(envelope))
                fake.entries.insert(0, entry)
        else:
            relay = await stack.enter_async_context(stack_client("back-workers", "back-cassandra"))
            api = await stack.enter_async_context(stack_client("back-api", "back-cassandra"))
            log = CassandraAuditLog(api)

            async def deliver(envelope: EventEnvelope) -> None:
                await relay.post("/audit/events", envelope, response_model=AuditStored)

        async def kept(envelope: EventEnvelope) -> list[AuditEntry]:
            await deliver(envelope)
            return (await log.page(user_of(envelope), 10, None)).items

        yield kept


@pytest.fixture(params=FAKE_AND_REAL)
async def live(request: pytest.FixtureRequest) -> AsyncIterator[Live]:
    """Delivers an event as the relay does; what a socket of its user gets that missed it."""
    async with AsyncExitStack() as stack:
        stack.enter_context(correlated(None))
        if request.param == "fake":

            async def missed(envelope: EventEnvelope) -> list[EventEnvelope]:
                return [PublishLive(user_id=user_of(envelope), envelope=envelope).envelope]
        else:
            relay = await stack.enter_async_context(stack_client("back-workers", "back-redis"))
            sockets = await stack.enter_async_context(stack_client("back-websockets", "back-redis"))

            async def missed(envelope: EventEnvelope) -> list[EventEnvelope]:
                event = PublishLive(user_id=user_of(envelope), envelope=envelope)
                await relay.post("/live/events", event, response_model=LivePublished)
                path = f"/users/{event.user_id}/live-events"
                found = await sockets.get(
                    path, params={"since": uuid4()}, response_model=LiveEvents
                )
                return found.items

        yield missed


@pytest.fixture(params=FAKE_AND_REAL)
async def revoke(request: pytest.FixtureRequest) -> AsyncIterator[Revoke]:
    """Delivers the revocation of generations as the relay does."""
    async with AsyncExitStack() as stack:
        stack.enter_context(correlated(None))
        if request.param == "fake":

            async def deliver(revoked: RevokeGenerations) -> None:
                assert revoked.session_generation > 1
        else:
            relay = await stack.enter_async_context(stack_client("back-workers", "back-redis"))

            async def deliver(revoked: RevokeGenerations) -> None:
                await relay.post("/revocations", revoked, response_model=None)

        yield deliver


@pytest.fixture(params=FAKE_AND_REAL)
async def apply(request: pytest.FixtureRequest) -> AsyncIterator[Apply]:
    """Brings an event to a service as the relay does; what the service refuses."""
    async with AsyncExitStack() as stack:
        stack.enter_context(correlated(None))
        if request.param == "fake":

            async def refused(service: str, envelope: EventEnvelope) -> list[UUID]:
                models: dict[str, type[BaseModel]] = {
                    "notification.created": NotificationCreated,
                    "notification.read": NotificationRead,
                    "user.deleted": UserDeleted,
                }
                models[envelope.event_type].model_validate(envelope.payload)
                return []
        else:

            async def refused(service: str, envelope: EventEnvelope) -> list[UUID]:
                path = "/timeline/events" if service == "back-cassandra" else "/unread/events"
                async with stack_client("back-workers", service) as relay:
                    events = NotificationEvents(events=[envelope])
                    applied = await relay.post(
                        path, events, response_model=NotificationEventsApplied
                    )
                return applied.refused

        yield refused


@pytest.fixture(params=FAKE_AND_REAL)
async def launches(request: pytest.FixtureRequest) -> AsyncIterator[Launches]:
    """Brings an event to the launches as the relay does; what they refuse."""
    async with AsyncExitStack() as stack:
        stack.enter_context(correlated(None))
        if request.param == "fake":

            async def refused(envelope: EventEnvelope) -> list[UUID]:
                launched = envelope.event_type == "tool.launched"
                model = ToolLaunched if launched else UserDeleted
                model.model_validate(envelope.payload)
                return []
        else:
            relay = await stack.enter_async_context(stack_client("back-workers", "back-cassandra"))

            async def refused(envelope: EventEnvelope) -> list[UUID]:
                events = ApplyEvents(events=[envelope])
                applied = await relay.post("/launches/events", events, response_model=EventsApplied)
                return applied.refused

        yield refused


@pytest.mark.contract(consumer="back-cassandra", provider="back-api")
@pytest.mark.parametrize("event_type", event_types("back-api", "timeline"))
async def test_changes_a_timeline(apply: Apply, event_type: str) -> None:
    envelope = await Published().by_type()[event_type]()
    assert envelope.event_type == event_type
    assert await apply("back-cassandra", envelope) == []


@pytest.mark.contract(consumer="back-cassandra", provider="back-api")
@pytest.mark.parametrize("event_type", event_types("back-api", "launches"))
async def test_changes_the_launches(launches: Launches, event_type: str) -> None:
    envelope = await Published().by_type()[event_type]()
    assert envelope.event_type == event_type
    assert await launches(envelope) == []


@pytest.mark.contract(consumer="back-redis", provider="back-api")
@pytest.mark.parametrize("event_type", event_types("back-api", "unread"))
async def test_changes_an_unread_count(apply: Apply, event_type: str) -> None:
    envelope = await Published().by_type()[event_type]()
    assert await apply("back-redis", envelope) == []


@pytest.mark.contract(consumer="back-cassandra", provider="back-api")
@pytest.mark.parametrize("event_type", event_types("back-api", "audit"))
async def test_is_kept_in_the_audit_log(audit: Audit, event_type: str) -> None:
    envelope = await Published().by_type()[event_type]()
    assert envelope.event_type == event_type
    (entry,) = await audit(envelope)
    assert (entry.event_id, entry.event_type) == (envelope.event_id, event_type)
    assert entry.payload == envelope.payload


@pytest.mark.contract(consumer="back-redis", provider="back-api")
@pytest.mark.parametrize("event_type", event_types("back-api", "live"))
async def test_reaches_the_sockets_of_its_user(live: Live, event_type: str) -> None:
    envelope = await Published().by_type()[event_type]()
    assert await live(envelope) == [envelope]


@pytest.mark.contract(consumer="back-redis", provider="back-api")
@pytest.mark.parametrize("event_type", event_types("back-api", "revocations"))
async def test_revokes_generations(revoke: Revoke, event_type: str) -> None:
    envelope = await Published().by_type()[event_type]()
    assert envelope.event_type == event_type
    revoked = RevokeGenerations.model_validate(envelope.payload)
    assert (revoked.user_id, revoked.session_generation) == (user_of(envelope), 2)
    await revoke(revoked)
