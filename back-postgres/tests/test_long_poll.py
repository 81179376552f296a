import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from uuid import uuid4

import pytest

from database import Database, connect
from listen_notify import CHANNEL, DeliveryNotifications
from long_poll import DeliveryLongPoll
from main import app
from repositories.command_repository import CommandRepository
from repositories.delivery_repository import DeliveryRepository
from settings import Settings
from shared.kit.http import context
from shared.models.event import ClaimDeliveries, CompletedDelivery, Delivery
from shared.testing.asgi_client import running
from shared.testing.identities import Identities
from shared.testing.waiting import until
from tests.builders import event, recording
from tests.callers import Callers
from tests.database_waiting import until_found

LONG = 28.0  # seconds
WELL_BEFORE = 20.0  # seconds: no wait of LONG has ended by then, however busy the machine


async def stays() -> bool:
    return False


async def claiming_begun(service: Callers, database: Database) -> "asyncio.Task[list[Delivery]]":
    """A long poll that found nothing and waits for a notification."""
    waited_for = (
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    task = asyncio.create_task(service.claim(LONG))
    await until_found(database, waited_for)
    assert not task.done()
    return task


@pytest.mark.usefixtures("woken_alone")
class TestLongPoll:
    async def test_answers_at_once_when_something_is_due(self, service: Callers) -> None:
        await service.workers("POST", "/events", recording(event()))
        started = monotonic()

        assert len(await service.claim(LONG)) == 1
        assert monotonic() - started < WELL_BEFORE

    async def test_wakes_with_the_commit(self, service: Callers, database: Database) -> None:
        for _ in range(3):
            poll = await claiming_begun(service, database)
            await service.workers("POST", "/events", recording(event()))
            async with asyncio.timeout(WELL_BEFORE):
                assert await poll

    async def test_wakes_when_the_one_before_is_completed(
        self, service: Callers, database: Database
    ) -> None:
        aggregate = uuid4()
        both = recording(event(aggregate_id=aggregate), event(aggregate_id=aggregate))
        await service.workers("POST", "/events", both)
        (first,) = await service.claim()
        poll = await claiming_begun(service, database)

        done = await service.workers(
            "POST",
            f"/deliveries/{first.delivery_id}/complete",
            {"lease_token": str(first.lease_token)},
        )

        assert done.status == 204
        async with asyncio.timeout(WELL_BEFORE):
            assert await poll

    async def test_ends_empty_when_the_time_is_over(self, service: Callers) -> None:
        started = monotonic()

        assert await service.claim(0.3) == []
        assert 0.25 < monotonic() - started < WELL_BEFORE

    async def test_ends_before_the_deadline_of_the_caller(
        self, service: Callers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("long_poll._RESPONSE_SECONDS", 9)
        reply = await service.call(
            "back-workers",
            "POST",
            "/deliveries/claim",
            {"consumers": ["mail"], "wait_seconds": LONG},
            headers={"X-Deadline-Ms": "10000"},
        )

        assert reply.json() == {"items": []}

    async def test_ends_when_the_service_stops(
        self,
        environment: pytest.MonkeyPatch,
        database: Database,
        deliveries: DeliveryRepository,
        settings: Settings,
    ) -> None:
        stopping = asyncio.Event()
        claiming = DeliveryLongPoll(
            deliveries, DeliveryNotifications(settings), stopping, fallback=5
        )
        poll = asyncio.create_task(
            claiming.claim(ClaimDeliveries(consumers=["mail"], wait_seconds=LONG), stays)
        )
        await asyncio.sleep(0)  # noqa: TID251 - lets the other task run

        stopping.set()

        async with asyncio.timeout(WELL_BEFORE):
            assert (await poll).items == []

    async def test_claims_nothing_for_a_caller_that_has_left(
        self, commands: CommandRepository, deliveries: DeliveryRepository, settings: Settings
    ) -> None:
        async def has_left() -> bool:
            await commands.record_events(recording(event()))
            return True

        claiming = DeliveryLongPoll(
            deliveries, DeliveryNotifications(settings), asyncio.Event(), fallback=0.05
        )

        claimed = await claiming.claim(
            ClaimDeliveries(consumers=["mail"], wait_seconds=LONG), has_left
        )

        assert claimed.items == []
        waiting = await deliveries.claim(ClaimDeliveries(consumers=["mail"]))
        assert len(waiting.items) == 1

    async def test_looks_by_the_clock_where_no_notification_comes(
        self, commands: CommandRepository, deliveries: DeliveryRepository, settings: Settings
    ) -> None:
        claiming = DeliveryLongPoll(
            deliveries, DeliveryNotifications(settings), asyncio.Event(), fallback=0.1
        )
        poll = asyncio.create_task(
            claiming.claim(ClaimDeliveries(consumers=["mail"], wait_seconds=LONG), stays)
        )
        await asyncio.sleep(0)  # noqa: TID251 - lets the other task run

        await commands.record_events(recording(event()))

        async with asyncio.timeout(WELL_BEFORE):
            assert len((await poll).items) == 1

    async def test_waits_for_no_consumer_but_its_own(self, settings: Settings) -> None:
        notifications = DeliveryNotifications(settings)
        with (
            notifications.for_consumers(["mail"]) as mail,
            notifications.for_consumers(["audit"]) as audit,
        ):
            notifications._wake(None, 0, "deliveries", "mail")

            assert (mail.is_set(), audit.is_set()) == (True, False)

    async def test_without_a_deadline_waits_as_long_as_asked(
        self, deliveries: DeliveryRepository, settings: Settings
    ) -> None:
        assert context.remaining() is None
        claiming = DeliveryLongPoll(
            deliveries, DeliveryNotifications(settings), asyncio.Event(), fallback=1
        )

        claimed = await claiming.claim(
            ClaimDeliveries(consumers=["mail"], wait_seconds=0.05), stays
        )

        assert claimed.items == []


class TestNotifications:
    """NOTIFY takes a lock of the whole cluster: it is for those who wait."""

    @pytest.fixture
    async def heard(self, settings: Settings) -> AsyncIterator[list[object]]:
        """The payloads that a connection of its own hears."""
        heard: list[object] = []
        connection = await connect(settings)
        await connection.add_listener(CHANNEL, lambda *args: heard.append(args[-1]))
        yield heard
        await connection.close()

    async def test_come_only_while_somebody_waits(
        self,
        commands: CommandRepository,
        database: Database,
        settings: Settings,
        heard: list[object],
    ) -> None:
        notifications = DeliveryNotifications(settings)
        listening = asyncio.create_task(notifications.listen())
        await until(lambda: notifications._connection is not None)

        await commands.record_events(recording(event()))
        await database.row(f"SELECT pg_notify('{CHANNEL}', 'nobody waited')")
        async with notifications.requested():
            await commands.record_events(recording(event()))
        await commands.record_events(recording(event()))
        await database.row(f"SELECT pg_notify('{CHANNEL}', 'nobody waits any more')")

        await until(lambda: "nobody waits any more" in heard)
        assert heard[0] == "nobody waited"
        assert sorted(map(str, heard[1:-1])) == ["audit", "mail"]
        listening.cancel()

    async def test_come_when_the_one_before_is_settled(
        self,
        commands: CommandRepository,
        deliveries: DeliveryRepository,
        settings: Settings,
        heard: list[object],
    ) -> None:
        aggregate = uuid4()
        both = [event("auth.logout", aggregate), event("auth.logout", aggregate)]
        await commands.record_events(recording(*both))
        (first,) = (await deliveries.claim(ClaimDeliveries(consumers=["audit"]))).items
        notifications = DeliveryNotifications(settings)
        listening = asyncio.create_task(notifications.listen())
        await until(lambda: notifications._connection is not None)

        async with notifications.requested():
            await deliveries.settle_one(
                CompletedDelivery(delivery_id=first.delivery_id, lease_token=first.lease_token)
            )

        await until(lambda: heard == ["audit"])
        listening.cancel()


class TestOverHttp:
    async def test_a_delivery_from_claim_to_done(self, service: Callers) -> None:
        await service.workers("POST", "/events", recording(event()))
        (sent,) = await service.claim()
        path = f"/deliveries/{sent.delivery_id}"

        taken = await service.workers("POST", f"{path}/take", {"lease_seconds": 8})
        token = {"lease_token": taken.json()["lease_token"]}
        lost = await service.workers(
            "POST", f"{path}/renew", {"lease_token": str(sent.lease_token)}
        )
        renewed = await service.workers("POST", f"{path}/renew", token)
        failed = await service.workers("POST", f"{path}/fail", token | {"error": "it broke"})

        assert [taken.status, lost.status, renewed.status, failed.status] == [200, 409, 204, 204]
        assert lost.json()["code"] == "lease_lost"

    async def test_postpone(self, service: Callers) -> None:
        await service.workers("POST", "/events", recording(event()))
        (sent,) = await service.claim()

        reply = await service.workers(
            "POST",
            f"/deliveries/{sent.delivery_id}/postpone",
            {"lease_token": str(sent.lease_token), "pause_seconds": 1},
        )

        assert reply.status == 204


@pytest.mark.usefixtures("woken_alone")
class TestRestart:
    async def test_two_services_on_one_database(
        self,
        service: Callers,
        environment: pytest.MonkeyPatch,
        keys: Identities,
        database: Database,
    ) -> None:
        async with running(app()) as client:
            other = Callers(client, keys)
            await other.until_ready()
            poll = await claiming_begun(service, database)

            await other.workers("POST", "/events", recording(event()))

            async with asyncio.timeout(WELL_BEFORE):
                assert len(await poll) == 1
