"""The event publisher: retries, its bounded queue, and its shutdown."""

import asyncio
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from services import postgres_event_publisher as module
from services.event_publisher import event_command
from services.postgres_event_publisher import PostgresEventPublisher
from shared.kit.errors import TimedOut, Unavailable
from shared.kit.http.client import ServiceClient
from shared.kit.http.context import correlated
from shared.models.auth import LoggedOut
from shared.models.event import Command, Nothing
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from shared.testing.waiting import until
from tests.fakes import PostgresState
from tests.stub_services import postgres_stub


def logged_out(sid: UUID) -> Command[Nothing]:
    user_id = uuid4()
    return event_command(
        "auth.logout", LoggedOut(user_id=user_id, sid=sid), user_id=user_id, command_id=sid
    )


@pytest.fixture
def client(keys: Identities, postgres: PostgresState) -> ServiceClient:
    return keys.client("back-auth", "back-postgres", AsgiTransport(postgres_stub(postgres)))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_PAUSES_SECONDS", (0.01, 0.01))


async def test_a_command_has_its_user_and_its_correlation_id() -> None:
    sid = uuid4()
    with correlated("correlation-1"):
        command = logged_out(sid)
    [event] = command.events
    assert command.command_id == sid
    assert event.aggregate_id == UUID(str(event.envelope.payload["user_id"]))
    assert event.envelope.correlation_id == "correlation-1"


async def test_a_repeat_is_one_event(client: ServiceClient, postgres: PostgresState) -> None:
    sid = uuid4()
    async with PostgresEventPublisher(client) as publisher:
        await publisher.publish(logged_out(sid))
        publisher.publish_soon(logged_out(sid))
    assert len(postgres.published("auth.logout")) == 1


async def test_queued_events_are_stored_before_shutdown(
    client: ServiceClient, postgres: PostgresState
) -> None:
    async with PostgresEventPublisher(client) as publisher:
        for _ in range(20):
            publisher.publish_soon(logged_out(uuid4()))
    assert len(postgres.published("auth.logout")) == 20


@pytest.mark.usefixtures("quick")
async def test_an_event_is_retried_until_the_outage_ends(
    client: ServiceClient, postgres: PostgresState
) -> None:
    with capture_logs() as logs:
        async with PostgresEventPublisher(client) as publisher:
            with postgres.outage():
                publisher.publish_soon(logged_out(uuid4()))
                await until(lambda: "event_retried" in [entry["event"] for entry in logs])
            await until(lambda: bool(postgres.published("auth.logout")))


class ScriptedClient:
    """A client that raises the given errors one after another, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.stored: list[object] = []

    async def post(self, path: str, body: object, *, response_model: object) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.stored.append(body)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "errors, stored, lost",
    [
        ((Unavailable(), TimedOut()), 2, []),
        ((Unavailable(), Unavailable(), Unavailable()), 1, ["unavailable"]),
        ((ValueError("refused"),), 1, ["refused"]),
    ],
)
async def test_an_event_that_can_not_be_stored_does_not_stop_the_next(
    errors: tuple[Exception, ...], stored: int, lost: list[str]
) -> None:
    client = ScriptedClient(*errors)
    with capture_logs() as logs:
        async with PostgresEventPublisher(client) as publisher:  # type: ignore[arg-type]
            publisher.publish_soon(logged_out(uuid4()))
            publisher.publish_soon(logged_out(uuid4()))
            await until(lambda: len(client.stored) == stored)
    assert [entry["reason"] for entry in logs if entry["event"] == "event_lost"] == lost


async def test_an_event_is_retried_for_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("services.postgres_event_publisher.asyncio.sleep", sleep)
    client = ScriptedClient(*[Unavailable()] * 6)
    async with PostgresEventPublisher(client) as publisher:  # type: ignore[arg-type]
        publisher.publish_soon(logged_out(uuid4()))
    assert pauses == [0.5, 1, 2, 4, 8, 15]
    assert len(client.stored) == 1


async def test_a_full_queue_drops_the_newest_and_logs_it(
    client: ServiceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUEUE_MAX", 1)
    publisher = PostgresEventPublisher(client)
    with capture_logs() as logs:
        publisher.publish_soon(logged_out(uuid4()))
        publisher.publish_soon(logged_out(uuid4()))
    assert [entry["reason"] for entry in logs] == ["queue_full"]


async def test_shutdown_does_not_wait_for_ever(
    client: ServiceClient, postgres: PostgresState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DRAIN_SECONDS", 0.05)
    postgres.down = True
    async with asyncio.timeout(2):
        async with PostgresEventPublisher(client) as publisher:
            publisher.publish_soon(logged_out(uuid4()))
