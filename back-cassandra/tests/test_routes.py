"""The HTTP API, on the fake."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from routes import audit
from settings import Settings
from shared.kit import Service
from shared.testing.asgi_client import running
from shared.testing.identities import Identities
from tests.callers import Callers
from tests.events import event
from tests.fake_audit_log import FakeAuditLog


@pytest.fixture
async def service(offline_settings: Settings, keys: Identities) -> AsyncIterator[Callers]:
    service = Service(offline_settings)
    service.api.include_router(audit.router(FakeAuditLog(page_days=31)))
    async with running(service.api) as client:
        yield Callers(client, keys)


class TestStore:
    async def test_the_answer_names_the_event(self, service: Callers) -> None:
        stored = event(user_id=uuid4())

        reply = await service.store(stored)

        assert (reply.status, reply.json()) == (201, {"event_id": str(stored.event_id)})

    async def test_a_repeat_has_the_same_answer(self, service: Callers) -> None:
        stored = event()
        first = await service.store(stored)

        again = await service.store(stored)

        assert (again.status, again.json()) == (first.status, first.json())
        assert len((await service.page()).items) == 1

    @pytest.mark.parametrize(
        "change",
        [
            {"event_id": "one"},
            {"event_type": "NOT A TYPE"},
            {"occurred_at": "2026-11-21T12:00:00"},
            {"payload": "text"},
            {"correlation_id": "x" * 65},
        ],
    )
    async def test_an_invalid_event_is_refused(
        self, service: Callers, change: dict[str, object]
    ) -> None:
        reply = await service.store(event().model_dump(mode="json") | change)

        assert reply.status == 422
        assert (await service.page()).items == []

    async def test_an_event_too_large_for_a_batch_is_refused(self, service: Callers) -> None:
        large = event().model_dump(mode="json") | {"payload": {"text": "x" * 270_000}}

        assert (await service.store(large)).status == 413


class TestStoreBatch:
    async def test_names_the_refused_ones_and_stores_the_others(self, service: Callers) -> None:
        refused, stored = event().model_copy(update={"version": 2**31}), event()

        reply = await service.store_all([refused, stored])

        assert (reply.status, reply.json()) == (200, {"refused": [str(refused.event_id)]})
        assert [it.event_id for it in (await service.page()).items] == [stored.event_id]

    @pytest.mark.parametrize("count", [0, 201])
    async def test_has_a_bounded_number_of_events(self, service: Callers, count: int) -> None:
        assert (await service.store_all([event() for _ in range(count)])).status == 422

    async def test_needs_the_scope(self, service: Callers) -> None:
        assert (await service.store_all([event()], caller="back-api")).status == 403


class TestRead:
    async def test_the_page_has_fifty_entries_unless_asked_otherwise(
        self, service: Callers
    ) -> None:
        for minutes in range(52):
            await service.store(event(ago=timedelta(minutes=minutes)))

        page = await service.page()
        rest = await service.page(before=str(page.next))

        assert (len(page.items), len(rest.items), rest.next) == (50, 2, None)
        assert len((await service.page(limit="7")).items) == 7

    async def test_one_user(self, service: Callers) -> None:
        user_id = uuid4()
        await service.store(event(user_id=user_id))
        await service.store(event(user_id=uuid4()))

        page = await service.page(user_id)

        assert [entry.user_id for entry in page.items] == [user_id]

    @pytest.mark.parametrize(
        "params", [{"limit": "0"}, {"limit": "201"}, {"limit": "x"}, {"user_id": "me"}]
    )
    async def test_invalid_queries_are_refused(
        self, service: Callers, params: dict[str, str]
    ) -> None:
        assert (await service.read("back-api", **params)).status == 422

    async def test_an_invalid_cursor_is_refused(self, service: Callers) -> None:
        reply = await service.read(before="garbage")

        assert (reply.status, reply.json()["code"]) == (400, "cursor_invalid")


class TestAccess:
    async def test_without_an_assertion_a_call_is_refused(self, service: Callers) -> None:
        stored = await service.client.post("/audit/events", json=event())
        read = await service.client.get("/audit/events")

        assert (stored.status, read.status) == (401, 401)
        assert (await service.page()).items == []

    async def test_a_caller_without_the_scope_is_refused(self, service: Callers) -> None:
        assert (await service.store(event(), caller="back-api")).status == 403
        assert (await service.read("back-workers")).status == 403
        assert (await service.read("back-auth")).status == 403
