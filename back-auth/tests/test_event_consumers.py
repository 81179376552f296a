"""The events of back-auth as their consumers take them: fakes, and the services of a stack."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from uuid import UUID

import pytest
from pydantic import BaseModel

from shared.kit.http.context import correlated
from shared.models.audit import AuditEntry, AuditPage, AuditStored
from shared.models.auth import RevokeGenerations
from shared.models.event import EventEnvelope
from shared.models.live import PublishLive
from shared.testing.contracts.pairs import event_types
from shared.testing.stack_client import stack_client
from tests.conftest import Stack
from tests.published_events import Published

Deliver = Callable[[str, BaseModel], Awaitable[None]]
Audit = Callable[[EventEnvelope], Awaitable[list[AuditEntry]]]


def user_of(envelope: EventEnvelope) -> UUID:
    return UUID(str(envelope.payload["user_id"]))


async def fake(envelope: EventEnvelope) -> list[AuditEntry]:
    return [AuditEntry(**envelope.model_dump(), user_id=user_of(envelope))]


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.real)])
async def audit(request: pytest.FixtureRequest) -> AsyncIterator[Audit]:
    """Delivers an event as the relay does; what the audit log of its user holds then."""
    if request.param == "fake":
        yield fake
        return
    async with AsyncExitStack() as stack:
        stack.enter_context(correlated(None))
        relay = await stack.enter_async_context(stack_client("back-workers", "back-cassandra"))
        reader = await stack.enter_async_context(stack_client("back-api", "back-cassandra"))

        async def kept(envelope: EventEnvelope) -> list[AuditEntry]:
            await relay.post("/audit/events", envelope, response_model=AuditStored)
            params = {"user_id": user_of(envelope), "limit": 10}
            page = await reader.get("/audit/events", params=params, response_model=AuditPage)
            return page.items

        yield kept


@pytest.mark.contract(consumer="back-cassandra", provider="back-auth")
@pytest.mark.parametrize("event_type", event_types("back-auth", "audit"))
async def test_is_kept_in_the_audit_log(stack: Stack, audit: Audit, event_type: str) -> None:
    envelope = await Published(stack).by_type()[event_type]()
    assert envelope.event_type == event_type
    (entry,) = await audit(envelope)
    assert (entry.event_id, entry.event_type) == (envelope.event_id, event_type)
    assert entry.payload == envelope.payload


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.real)])
async def deliver(request: pytest.FixtureRequest) -> AsyncIterator[Deliver]:
    """Brings what is made of an event to a path of back-redis, as the relay does."""
    async with AsyncExitStack() as stack:
        stack.enter_context(correlated(None))
        if request.param == "fake":

            async def send(path: str, body: BaseModel) -> None:
                assert type(body).model_validate_json(body.model_dump_json()) == body
        else:
            relay = await stack.enter_async_context(stack_client("back-workers", "back-redis"))

            async def send(path: str, body: BaseModel) -> None:
                await relay.post(path, body, response_model=None)

        yield send


@pytest.mark.contract(consumer="back-redis", provider="back-auth")
@pytest.mark.parametrize("event_type", event_types("back-auth", "live"))
async def test_reaches_the_sockets_of_its_user(
    stack: Stack, deliver: Deliver, event_type: str
) -> None:
    envelope = await Published(stack).by_type()[event_type]()
    await deliver("/live/events", PublishLive(user_id=user_of(envelope), envelope=envelope))


@pytest.mark.contract(consumer="back-redis", provider="back-auth")
@pytest.mark.parametrize("event_type", event_types("back-auth", "revocations"))
async def test_revokes_generations(stack: Stack, deliver: Deliver, event_type: str) -> None:
    envelope = await Published(stack).by_type()[event_type]()
    revoked = RevokeGenerations.model_validate(envelope.payload)
    assert (revoked.user_id, revoked.session_generation) == (user_of(envelope), 2)
    assert str(revoked.kept_sid) == envelope.payload["kept_sid"]
    await deliver("/revocations", revoked)
