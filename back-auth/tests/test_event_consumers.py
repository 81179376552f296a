"""The events of back-auth in the audit log: a fake of it, and back-cassandra in a stack."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from uuid import UUID

import pytest

from shared.kit.http.context import correlated
from shared.models.audit import AuditEntry, AuditPage, AuditStored
from shared.models.event import EventEnvelope
from shared.testing.contracts.pairs import event_types
from shared.testing.stack_client import stack_client
from tests.conftest import Stack
from tests.published_events import Published

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
