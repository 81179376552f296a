"""The events of back-workers as their consumers take them: fakes, and the services of a stack."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from shared.kit.http.context import correlated
from shared.models.audit import AuditStored
from shared.models.event import EventEnvelope
from shared.models.live import LivePublished, PublishLive
from shared.models.task import StartBackgroundTask
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.contracts.pairs import event_types
from shared.testing.identities import Identities
from shared.testing.stack_client import stack_client
from task_client import TaskClient
from tests.fake_services import FakeServices

Deliver = Callable[[str, str, BaseModel, type[BaseModel]], Awaitable[BaseModel | None]]


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.real)])
async def deliver(request: pytest.FixtureRequest) -> AsyncIterator[Deliver]:
    """Brings what is made of an event to a path of a service, as the relay does."""
    async with AsyncExitStack() as stack:
        stack.enter_context(correlated(None))

        async def send(
            service: str, path: str, body: BaseModel, answer: type[BaseModel]
        ) -> BaseModel | None:
            if request.param == "fake":
                assert type(body).model_validate_json(body.model_dump_json()) == body
                return None
            client = await stack.enter_async_context(stack_client("back-workers", service))
            return await client.post(path, body, response_model=answer)

        yield send


@pytest.fixture
async def published(services: FakeServices, keys: Identities) -> dict[str, EventEnvelope]:
    """Each event that a task publishes, by its type."""
    tasks = TaskClient(keys.client("back-workers", "back-postgres", AsgiTransport(services.app())))
    with correlated("correlation-1"):
        start = StartBackgroundTask(
            command_id=uuid4(), task_id=uuid4(), kind="user_export", owner_id=uuid4()
        )
        task = await tasks.start(start)
        await tasks.tell_progress(task, uuid4(), 50)
        await tasks.cancel(task.id)
    told = [event for command in services.recorded.values() for event in command.events]
    return {it.envelope.event_type: it.envelope for it in [*services.tasks.events, *told]}


@pytest.mark.contract(consumer="back-redis", provider="back-workers")
@pytest.mark.parametrize("event_type", event_types("back-workers", "live"))
async def test_reaches_the_sockets_of_its_user(
    published: dict[str, EventEnvelope], deliver: Deliver, event_type: str
) -> None:
    envelope = published[event_type]
    event = PublishLive(user_id=UUID(str(envelope.payload["user_id"])), envelope=envelope)
    answer = await deliver("back-redis", "/live/events", event, LivePublished)
    assert answer is None or isinstance(answer, LivePublished)


@pytest.mark.contract(consumer="back-cassandra", provider="back-workers")
@pytest.mark.parametrize("event_type", event_types("back-workers", "audit"))
async def test_is_kept_in_the_audit_log(
    published: dict[str, EventEnvelope], deliver: Deliver, event_type: str
) -> None:
    envelope = published[event_type]
    answer = await deliver("back-cassandra", "/audit/events", envelope, AuditStored)
    assert answer is None or answer == AuditStored(event_id=envelope.event_id)
