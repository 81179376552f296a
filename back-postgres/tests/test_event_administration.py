"""Deliveries as operators see them: listed by indexes, counted, and replayed in their order."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from database import Database
from repositories.command_repository import CommandRepository
from repositories.delivery_repository import DeliveryRepository
from repositories.event_administration_repository import (
    _LIST,
    _OF_STATE,
    DeliveryFilter,
    EventAdministrationRepository,
)
from shared.kit.errors import Conflict, NotFound
from shared.kit.http.page_position import PagePosition
from shared.models.base import now
from shared.models.event import (
    ClaimDeliveries,
    Command,
    Delivery,
    FailedDelivery,
    NewEvent,
    SettleDeliveries,
)
from shared.models.event_administration import (
    Backlog,
    ConsumerBacklog,
    DeliveriesReplayed,
    DeliveryPage,
    ReplayDeliveries,
)
from tests.builders import event, recording
from tests.callers import Callers
from tests.test_deliveries import completed, failed


@pytest.fixture
def administration(
    database: Database, commands: CommandRepository
) -> EventAdministrationRepository:
    return EventAdministrationRepository(database, commands, ["audit", "mail"])


class Outbox:
    """Stores events and brings their deliveries into the states that a test needs."""

    def __init__(
        self,
        commands: CommandRepository,
        deliveries: DeliveryRepository,
        administration: EventAdministrationRepository,
    ) -> None:
        self.commands = commands
        self.deliveries = deliveries
        self.administration = administration

    async def put(self, *events: NewEvent) -> None:
        await self.commands.record_events(recording(*events))

    async def claim(self, consumer: str = "mail") -> list[Delivery]:
        return (await self.deliveries.claim(ClaimDeliveries(consumers=[consumer]))).items

    async def kill(self, *claimed: Delivery) -> None:
        failed = [
            FailedDelivery(
                delivery_id=it.delivery_id,
                lease_token=it.lease_token,
                error="it broke",
                final=True,
                event_at_fault=True,
            )
            for it in claimed
        ]
        await self.deliveries.settle(SettleDeliveries(failed=failed))

    async def dead(self, *events: NewEvent) -> list[Delivery]:
        """Store events that are dead for the consumer mail, in their order."""
        found = []
        for new in events:
            await self.put(new)
            [claimed] = await self.claim()
            await self.kill(claimed)
            found.append(claimed)
        return found

    async def done(self, *claimed: Delivery) -> None:
        await self.deliveries.settle(SettleDeliveries(completed=list(map(completed, claimed))))

    async def replay(self, **wanted: object) -> int:
        data = ReplayDeliveries.model_validate({"limit": 100} | wanted)
        command = Command[ReplayDeliveries](command_id=uuid4(), data=data)
        answer = await self.administration.replay(command)
        assert answer.status == 202
        return DeliveriesReplayed.model_validate_json(answer.body).replayed

    async def listed(self, **wanted: object) -> list[UUID]:
        page = await self.administration.page(DeliveryFilter(**wanted), limit=200, before=None)  # type: ignore[arg-type]
        return [item.delivery_id for item in page.items]


@pytest.fixture
def outbox(
    commands: CommandRepository,
    deliveries: DeliveryRepository,
    administration: EventAdministrationRepository,
) -> Outbox:
    return Outbox(commands, deliveries, administration)


class TestPage:
    async def test_narrows_by_each_filter(self, outbox: Outbox) -> None:
        [dead] = await outbox.dead(event())
        await outbox.put(event("auth.logout"))
        [audited, logout] = await outbox.claim("audit")
        await outbox.done(audited)
        everything = await outbox.listed()
        assert everything == sorted(everything, reverse=True)
        assert len(everything) == 3
        assert await outbox.listed(state="dead") == [dead.delivery_id]
        assert await outbox.listed(state="done") == [audited.delivery_id]
        assert await outbox.listed(state="sent") == [logout.delivery_id]
        assert await outbox.listed(state="pending") == []
        assert await outbox.listed(consumer="mail") == [dead.delivery_id]
        assert await outbox.listed(event_type="auth.logout") == [logout.delivery_id]
        assert await outbox.listed(state="dead", event_type="auth.logout") == []

    async def test_narrows_by_the_time_of_storing(self, outbox: Outbox) -> None:
        await outbox.put(event("auth.logout"))
        soon = now() + timedelta(minutes=2)
        assert await outbox.listed(until=soon - timedelta(hours=1)) == []
        assert await outbox.listed(since=soon) == []
        assert len(await outbox.listed(since=soon - timedelta(hours=1), until=soon)) == 1
        assert await outbox.listed(since=datetime(1960, 1, 1, tzinfo=UTC), until=soon)

    async def test_goes_on_where_the_page_before_ended(
        self, outbox: Outbox, administration: EventAdministrationRepository
    ) -> None:
        for _ in range(3):
            await outbox.put(event("auth.logout"))
        first = await administration.page(DeliveryFilter(), limit=2, before=None)
        assert first.next
        position = PagePosition.from_cursor(first.next)
        await outbox.put(event("auth.logout"))
        rest = await administration.page(DeliveryFilter(), limit=2, before=position)
        assert rest.next is None
        assert len(rest.items) == 1
        assert rest.items[0].delivery_id < first.items[1].delivery_id

    async def test_tells_what_waits_for_an_earlier_one(
        self, outbox: Outbox, administration: EventAdministrationRepository
    ) -> None:
        user_id = uuid4()
        await outbox.put(event("auth.logout", user_id), event("auth.logout", user_id))
        behind, first = (await administration.page(DeliveryFilter(), limit=9, before=None)).items
        assert behind.due_at is None
        assert first.due_at


class TestShow:
    async def test_has_the_event_and_the_error(
        self, outbox: Outbox, administration: EventAdministrationRepository
    ) -> None:
        new = event()
        [dead] = await outbox.dead(new)
        shown = await administration.show(dead.delivery_id)
        assert (shown.state, shown.attempts, shown.last_error) == ("dead", 1, "it broke")
        assert shown.payload == new.envelope.payload
        assert shown.correlation_id == "test-correlation"
        with pytest.raises(NotFound, match="delivery_not_found"):
            await administration.show(uuid4())


class TestBacklog:
    async def test_counts_what_is_not_done(
        self, outbox: Outbox, administration: EventAdministrationRepository
    ) -> None:
        user_id = uuid4()
        await outbox.dead(event())
        await outbox.put(event("user.registered", user_id), event("user.registered", user_id))
        [_] = await outbox.claim()
        found = {it.consumer: it for it in (await administration.backlog()).consumers}
        mail, audit = found["mail"], found["audit"]
        assert (mail.pending, mail.due, mail.blocked, mail.leased, mail.dead) == (1, 0, 1, 1, 1)
        assert (audit.pending, audit.due, audit.blocked, audit.leased) == (3, 2, 1, 0)
        assert 0 < audit.lag_seconds <= audit.oldest_seconds < 60
        assert mail.lag_seconds == 0
        assert mail.oldest_seconds > 0

    async def test_a_consumer_that_has_nothing_and_one_that_pauses(
        self, outbox: Outbox, administration: EventAdministrationRepository
    ) -> None:
        await outbox.put(event())
        [claimed] = await outbox.claim()
        await outbox.deliveries.settle(
            SettleDeliveries.model_validate(
                {
                    "postponed": [
                        {
                            "delivery_id": claimed.delivery_id,
                            "lease_token": claimed.lease_token,
                            "pause_seconds": 60,
                        }
                    ]
                }
            )
        )
        [audited] = await outbox.claim("audit")
        await outbox.done(audited)
        found = await administration.backlog()
        assert found.consumers[0] == ConsumerBacklog(consumer="audit")
        assert found.consumers[1].paused


class TestReplay:
    async def test_gives_all_attempts_again(self, outbox: Outbox) -> None:
        [dead] = await outbox.dead(event())
        assert await outbox.replay(delivery_id=dead.delivery_id) == 1
        [again] = await outbox.claim()
        assert (again.delivery_id, again.attempts) == (dead.delivery_id, 0)
        await outbox.done(again)

    async def test_of_what_is_not_dead_or_not_there_is_refused(self, outbox: Outbox) -> None:
        await outbox.put(event())
        [held] = await outbox.claim()
        for delivery_id, code in ((held.delivery_id, "delivery_not_dead"), (uuid4(), "not_found")):
            with pytest.raises((Conflict, NotFound), match=code):
                await outbox.replay(delivery_id=delivery_id)
        await outbox.done(held)

    async def test_is_one_command_with_its_event(
        self, outbox: Outbox, administration: EventAdministrationRepository
    ) -> None:
        [dead] = await outbox.dead(event())
        data = ReplayDeliveries(delivery_id=dead.delivery_id)
        replayed = event("auth.logout")
        command = Command[ReplayDeliveries](command_id=uuid4(), data=data, events=[replayed])
        first = await administration.replay(command)
        [again] = await outbox.claim()
        await outbox.kill(again)
        assert await administration.replay(command) == first
        assert await outbox.claim() == [], "a repeat of the command replays nothing"
        assert await outbox.listed(event_type="auth.logout")

    async def test_of_many_takes_the_oldest_that_match(self, outbox: Outbox) -> None:
        dead = await outbox.dead(*(event() for _ in range(4)))
        ids = [it.delivery_id for it in dead]
        assert await outbox.replay(consumer="audit") == 0
        assert await outbox.replay(event_type="auth.logout") == 0
        assert await outbox.replay(until=now() - timedelta(hours=1)) == 0
        assert await outbox.replay(consumer="mail", limit=3) == 3
        assert await outbox.listed(state="pending", consumer="mail") == ids[2::-1]
        assert await outbox.replay(since=now() - timedelta(hours=1)) == 1

    async def test_of_a_poison_event_that_spent_its_attempts_and_was_mended(
        self, outbox: Outbox, database: Database, administration: EventAdministrationRepository
    ) -> None:
        user_id = uuid4()
        poison = event("user.registered", user_id)
        await outbox.put(poison, event("user.registered", user_id), event())
        claims = done = 0
        while claimed := await outbox.claim():
            claims += 1
            for it in claimed:
                if it.envelope.event_id == poison.envelope.event_id:
                    await outbox.deliveries.settle_one(failed(it, event_at_fault=True))
                else:
                    await outbox.done(it)
                    done += 1
            await database.row(
                "UPDATE deliveries SET due_at = now() WHERE state = 'pending'"
                " AND due_at <> 'infinity'"
            )
        assert done == 2, "nothing else is lost"
        [item] = (
            await administration.page(DeliveryFilter(state="dead"), limit=9, before=None)
        ).items
        assert (item.event_id, item.attempts) == (poison.envelope.event_id, 8)
        assert claims == 9, "the other aggregate went with the first attempt, not after the last"
        assert await outbox.replay(consumer="mail") == 1
        [mended] = await outbox.claim()
        await outbox.done(mended)
        assert await outbox.listed(state="dead") == []

    async def test_keeps_the_order_of_an_aggregate(self, outbox: Outbox) -> None:
        user_id = uuid4()
        dead = await outbox.dead(*(event("user.registered", user_id) for _ in range(2)))
        await outbox.put(event("user.registered", user_id), event("user.registered", user_id))
        assert await outbox.replay(consumer="mail") == 2
        order = []
        while claimed := await outbox.claim():
            [one] = claimed
            order.append(one)
            await outbox.done(one)
        assert [it.delivery_id for it in order[:2]] == [it.delivery_id for it in dead]
        assert len(order) == 4
        assert sorted(it.delivery_id for it in order) == [it.delivery_id for it in order]

    async def test_waits_for_an_earlier_one(self, outbox: Outbox) -> None:
        user_id = uuid4()
        first, second = await outbox.dead(*(event("user.registered", user_id) for _ in range(2)))
        await outbox.replay(delivery_id=first.delivery_id)
        await outbox.replay(delivery_id=second.delivery_id)
        [claimed] = await outbox.claim()
        assert claimed.delivery_id == first.delivery_id
        assert await outbox.claim() == []
        await outbox.done(claimed)
        [claimed] = await outbox.claim()
        assert claimed.delivery_id == second.delivery_id

    async def test_wakes_whoever_waits_for_deliveries(
        self, woken_alone: None, service: Callers, outbox: Outbox
    ) -> None:
        [dead] = await outbox.dead(event())
        waiting = asyncio.create_task(service.claim(wait_seconds=20))
        body = {
            "command_id": str(uuid4()),
            "data": {"delivery_id": str(dead.delivery_id)},
        }
        reply = await service.api("POST", "/deliveries/replay", body)
        assert (reply.status, reply.json()) == (202, {"replayed": 1})
        async with asyncio.timeout(10):
            [again] = await waiting
        assert again.delivery_id == dead.delivery_id


class TestCalls:
    async def test_list_show_and_count(self, service: Callers, outbox: Outbox) -> None:
        [dead] = await outbox.dead(event())
        reply = await service.api("GET", "/deliveries?state=dead&limit=1")
        page = DeliveryPage.model_validate_json(reply.body)
        assert [item.delivery_id for item in page.items] == [dead.delivery_id]
        assert page.next is None
        shown = await service.api("GET", f"/deliveries/{dead.delivery_id}")
        assert shown.json()["event_type"] == "user.registered"
        bad = await service.api("GET", "/deliveries?before=garbage")
        assert (bad.status, bad.json()["code"]) == (400, "cursor_invalid")
        counted = Backlog.model_validate_json(
            (await service.api("GET", "/deliveries/backlog")).body
        )
        assert {it.consumer: it.dead for it in counted.consumers}["mail"] == 1

    async def test_health_shows_the_backlog(self, service: Callers, outbox: Outbox) -> None:
        await outbox.dead(event())
        health = (await service.client.get("/health")).json()
        assert health["status"] == "ok"
        backlog = Backlog.model_validate({"consumers": health["backlog"]})
        assert {it.consumer: it.dead for it in backlog.consumers}["mail"] == 1


STORED = 100_000
_FILL = """
WITH stored AS (
    INSERT INTO events (event_id, event_type, version, aggregate_id, occurred_at, correlation_id,
        payload)
    SELECT gen_random_uuid(),
        CASE WHEN number % 5000 = 0 THEN 'auth.logout' ELSE 'user.registered' END, 1,
        gen_random_uuid(), now(), 'correlation', '{}'
    FROM generate_series(1, $1) AS number
    RETURNING event_id, aggregate_id, position
)
INSERT INTO deliveries (event_id, consumer, aggregate_id, position, state, done_at)
SELECT event_id, 'mail', aggregate_id, position,
    CASE WHEN position % 2000 = 0 THEN 'dead' WHEN position % 3000 = 1 THEN 'pending'
        ELSE 'done' END,
    CASE WHEN position % 2000 = 0 OR position % 3000 = 1 THEN NULL ELSE now() END
FROM stored
"""


class TestCost:
    @pytest.fixture
    async def filled(self, database: Database) -> AsyncIterator[Database]:
        async with database.connection() as connection:
            await connection.execute("SET statement_timeout = 0")
            await connection.execute(_FILL, STORED, timeout=60)
            await connection.execute("ANALYZE deliveries, events", timeout=60)
            await connection.execute("RESET statement_timeout")
        yield database
        await database.row("TRUNCATE deliveries, events")

    async def pages_read(
        self, database: Database, wanted: DeliveryFilter, end: UUID, *, generic: bool
    ) -> int:
        statement = _LIST.format(state=_OF_STATE[wanted.state])
        consumer, event_type = (
            "NULL" if it is None else f"'{it}'" for it in (wanted.consumer, wanted.event_type)
        )
        async with database.connection() as connection:
            mode = "force_generic_plan" if generic else "force_custom_plan"
            await connection.execute(f"SET plan_cache_mode = {mode}")
            await connection.execute(
                f"PREPARE page (uuid, uuid, text, text, bigint) AS {statement}"
            )
            found = await connection.fetchval(
                "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE page("
                f"'{end}', '{UUID(int=0)}', {consumer}, {event_type}, 51)"
            )
            await connection.execute("DEALLOCATE page")
            await connection.execute("RESET plan_cache_mode")
        plan = json.loads(found)[0]["Plan"]
        return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])

    async def test_a_page_reads_what_it_gives(
        self, filled: Database, administration: EventAdministrationRepository
    ) -> None:
        last = UUID(int=2**128 - 1)
        middle = await filled.row(
            "SELECT delivery_id FROM deliveries ORDER BY delivery_id OFFSET $1 LIMIT 1", STORED // 2
        )
        assert middle
        wanted = {
            "newest": (DeliveryFilter(), last),
            "from the middle": (DeliveryFilter(), middle["delivery_id"]),
            "done": (DeliveryFilter(state="done"), last),
            "dead": (DeliveryFilter(state="dead"), last),
            "pending": (DeliveryFilter(state="pending"), last),
            "dead of a consumer": (DeliveryFilter(state="dead", consumer="mail"), last),
            "dead of a type": (DeliveryFilter(state="dead", event_type="auth.logout"), last),
            "of a common type": (DeliveryFilter(event_type="user.registered"), last),
        }
        for generic in (False, True):
            for name, (filter_, end) in wanted.items():
                pages = await self.pages_read(filled, filter_, end, generic=generic)
                assert pages <= 600, f"{name}, generic={generic}: {pages}"
        # The plan for a type depends on how rare it is.
        rare = DeliveryFilter(event_type="auth.logout")
        pages = await self.pages_read(filled, rare, last, generic=False)
        assert pages <= 600, f"of a rare type: {pages}"
        found = {it.consumer: it for it in (await administration.backlog()).consumers}
        assert found["mail"].dead == 50
        assert found["mail"].pending in {33, 34}, "positions go on from test to test"
