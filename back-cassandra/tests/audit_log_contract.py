"""The tests that the fake and the real audit log both pass."""

from datetime import timedelta
from uuid import UUID, uuid4

from routes.audit import AuditLog
from shared.kit.http.page_position import END, PagePosition
from shared.models.audit import AuditEntry
from shared.models.event import EventEnvelope
from tests.events import NOON, event

PAGE_DAYS = 3
DAY = timedelta(days=1)


async def all_pages(
    log: AuditLog, *, limit: int, user_id: UUID | None = None
) -> list[list[AuditEntry]]:
    pages: list[list[AuditEntry]] = []
    before = END
    while True:
        page = await log.page(user_id=user_id, limit=limit, before=before)
        pages.append(page.items)
        if page.next is None:
            return pages
        assert len(pages) < 100, "the pages have no end"
        before = PagePosition.from_cursor(page.next)


class AuditLogContract:
    async def test_an_empty_log_has_one_empty_page(self, log: AuditLog) -> None:
        assert await all_pages(log, limit=10) == [[]]
        assert await all_pages(log, limit=10, user_id=uuid4()) == [[]]

    async def test_an_entry_is_what_was_stored(self, log: AuditLog) -> None:
        user_id = uuid4()
        stored = event(user_id=user_id)
        await log.store([stored])

        expected = AuditEntry(
            event_id=stored.event_id,
            event_type=stored.event_type,
            occurred_at=NOON,
            user_id=user_id,
            correlation_id=stored.correlation_id,
            payload=stored.payload,
        )
        assert await all_pages(log, limit=10) == [[expected]]
        assert await all_pages(log, limit=10, user_id=user_id) == [[expected]]

    async def test_a_repeat_changes_nothing(self, log: AuditLog) -> None:
        stored = event(user_id=uuid4())
        await log.store([stored])
        before = await all_pages(log, limit=10)

        await log.store([stored])

        assert await all_pages(log, limit=10) == before

    async def test_several_are_stored_at_once(self, log: AuditLog) -> None:
        user_id = uuid4()
        stored = [event(user_id=user_id, ago=DAY * (n % 3)) for n in range(60)]
        stored += [event(), event(user_id=uuid4(), actor_id=user_id)]

        assert await log.store(stored) == []

        [page] = await all_pages(log, limit=100)
        assert sorted(it.event_id for it in page) == sorted(it.event_id for it in stored)
        [of_user] = await all_pages(log, limit=100, user_id=user_id)
        assert len(of_user) == 61

    async def test_one_that_can_not_be_stored_costs_no_other(self, log: AuditLog) -> None:
        refused = event().model_copy(update={"version": 2**31})
        stored = event()

        assert await log.store([refused, stored]) == [refused.event_id]

        [page] = await all_pages(log, limit=10)
        assert [it.event_id for it in page] == [stored.event_id]

    async def test_events_without_a_user_are_found_by_day_alone(self, log: AuditLog) -> None:
        await log.store([event()])
        await log.store([event(user_id="not a user's id")])

        [page] = await all_pages(log, limit=10)

        assert [entry.user_id for entry in page] == [None, None]

    async def test_an_action_is_in_the_log_of_its_actor_and_of_its_subject(
        self, log: AuditLog
    ) -> None:
        actor, subject = uuid4(), uuid4()
        action = event(user_id=subject, actor_id=actor)
        alone, on_self = event(actor_id=actor), event(user_id=actor, actor_id=actor)
        for one in (action, alone, on_self):
            await log.store([one])

        [of_subject] = await all_pages(log, limit=10, user_id=subject)
        [of_actor] = await all_pages(log, limit=10, user_id=actor)

        assert [(it.event_id, it.user_id) for it in of_subject] == [(action.event_id, subject)]
        assert {it.event_id: it.user_id for it in of_actor} == {
            action.event_id: subject,
            alone.event_id: None,
            on_self.event_id: actor,
        }
        assert len(of_actor) == 3

    async def test_a_users_entries_come_newest_first_by_pages(self, log: AuditLog) -> None:
        user_id = uuid4()
        times = [timedelta(microseconds=1), timedelta(hours=30), DAY * 40, timedelta(), DAY * 400]
        for ago in times:
            await log.store([event(user_id=user_id, ago=ago)])
            await log.store([event(user_id=uuid4(), ago=ago)])

        pages = await all_pages(log, limit=2, user_id=user_id)

        assert [len(page) for page in pages] == [2, 2, 1]
        found = [entry for page in pages for entry in page]
        assert [NOON - entry.occurred_at for entry in found] == sorted(times)
        assert {entry.user_id for entry in found} == {user_id}

    async def test_a_page_ends_with_the_last_entry(self, log: AuditLog) -> None:
        for _ in range(2):
            await log.store([event()])

        assert [len(page) for page in await all_pages(log, limit=2)] == [2]

    async def test_events_of_one_moment_are_all_found_once(self, log: AuditLog) -> None:
        user_id = uuid4()
        stored = [event(user_id=user_id) for _ in range(7)]
        for one in stored:
            await log.store([one])

        for pages in (
            await all_pages(log, limit=2),
            await all_pages(log, limit=2, user_id=user_id),
        ):
            found = [entry.event_id for page in pages for entry in page]
            assert sorted(found) == sorted(one.event_id for one in stored)

    async def test_pages_continue_over_days_and_gaps(self, log: AuditLog) -> None:
        times = [DAY * day + timedelta(minutes=n) for day in (0, 1, 5, 300) for n in range(3)]
        for ago in times:
            await log.store([event(ago=ago)])

        pages = await all_pages(log, limit=4)

        found = [NOON - entry.occurred_at for page in pages for entry in page]
        assert found == sorted(times)

    async def test_a_page_looks_at_a_bounded_number_of_days(self, log: AuditLog) -> None:
        for day in range(PAGE_DAYS * 2 + 1):
            await log.store([event(ago=DAY * day)])

        pages = await all_pages(log, limit=10)

        assert [len(page) for page in pages] == [PAGE_DAYS, PAGE_DAYS, 1]

    async def test_the_moment_before_midnight_is_of_the_day_before(self, log: AuditLog) -> None:
        midnight = timedelta(hours=12, microseconds=NOON.microsecond)
        await log.store([event(ago=midnight)])
        await log.store([event(ago=midnight + timedelta(microseconds=1))])

        pages = await all_pages(log, limit=1)

        assert [len(page) for page in pages] == [1, 1]

    async def test_what_a_deleted_user_did_is_kept_without_network_and_device(
        self, log: AuditLog
    ) -> None:
        user_id, admin = uuid4(), uuid4()
        own = _from(event(user_id=user_id), "192.0.2.1")
        done = _from(event(user_id=admin, actor_id=user_id, ago=DAY), "192.0.2.2")
        suffered = _from(event(user_id=user_id, actor_id=admin), "192.0.2.3")
        late = _from(event(user_id=user_id), "192.0.2.4")
        await log.store([own, done, suffered])

        await log.store([_deleted(user_id)])
        await log.store([late, own])

        for of in (None, user_id):
            found = {
                it.event_id: it for page in await all_pages(log, limit=9, user_id=of) for it in page
            }
            for stripped in (own, done, late):
                left = {"address": "ñ 😀"} | {
                    name: stripped.payload[name]
                    for name in ("user_id", "actor_id")
                    if name in stripped.payload
                }
                assert found[stripped.event_id].payload == left
            assert found[suffered.event_id].payload == suffered.payload
        [page] = await all_pages(log, limit=9, user_id=admin)
        assert {it.event_id: "network" in it.payload for it in page} == {
            done.event_id: False,
            suffered.event_id: True,
        }

    async def test_a_long_history_is_stripped_as_a_whole(self, log: AuditLog) -> None:
        user_id = uuid4()
        stored = [
            _from(event(user_id=user_id, ago=timedelta(seconds=n)), "192.0.2.1")
            for n in range(1003)
        ]
        for start in range(0, len(stored), 200):
            await log.store(stored[start : start + 200])

        await log.store([_deleted(user_id)])

        found = [it for page in await all_pages(log, limit=200, user_id=user_id) for it in page]
        assert len(found) == 1004
        assert not any("network" in it.payload for it in found)


def _from(stored: EventEnvelope, network: str) -> EventEnvelope:
    payload = stored.payload | {"network": network, "device": "a browser"}
    return stored.model_copy(update={"payload": payload})


def _deleted(user_id: UUID) -> EventEnvelope:
    deleted = event(user_id=user_id)
    return deleted.model_copy(update={"event_type": "user.deleted"})
