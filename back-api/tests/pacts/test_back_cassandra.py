"""What back-api asks back-cassandra: the audit log, page by page."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from features.audit.infrastructure import CassandraAuditLog
from shared.kit.errors import InvalidRequest
from shared.testing.pacts import ConsumerPact, refusal, reply, state

USER = UUID("a0000000-0000-4000-8000-000000000001")
ENTRY = {
    "event_id": UUID("e0000000-0000-4000-8000-000000000001"),
    "event_type": "auth.logout",
    "occurred_at": datetime(2026, 1, 1, tzinfo=UTC),
    "user_id": USER,
    "correlation_id": "correlation-1",
    "payload": {"user_id": USER},
}


@pytest.fixture(scope="module")
def pact() -> ConsumerPact:
    return ConsumerPact("back-api", "back-cassandra")


async def test_a_page_of_one_user_with_more_to_come(pact: ConsumerPact) -> None:
    async with pact.exchange(
        "the newest event of a user",
        given=[state("events of a user are kept", user_id=USER, count=2)],
        asks="GET /audit/events",
        query={"user_id": USER, "limit": 1},
        answers=reply(200, {"items": [ENTRY], "next": "a-cursor"}),
    ) as cassandra:
        page = await CassandraAuditLog(cassandra).page(USER, 1, None)
    assert (page.items[0].user_id, page.next) == (USER, "a-cursor")


async def test_the_last_page_of_all(pact: ConsumerPact) -> None:
    async with pact.exchange(
        "the events of everybody",
        given=[state("events of a user are kept", user_id=USER, count=1)],
        asks="GET /audit/events",
        query={"limit": 50},
        answers=reply(200, {"items": [ENTRY], "next": None}),
    ) as cassandra:
        page = await CassandraAuditLog(cassandra).page(None, 50, None)
    assert page.next is None


async def test_a_cursor_that_is_none(pact: ConsumerPact) -> None:
    async with pact.exchange(
        "a cursor that nobody gave out",
        asks="GET /audit/events",
        query={"limit": 50, "before": "nonsense"},
        answers=refusal(400, "cursor_invalid"),
    ) as cassandra:
        with pytest.raises(InvalidRequest, match="cursor_invalid"):
            await CassandraAuditLog(cassandra).page(None, 50, "nonsense")


def test_the_pact_is_kept(pact: ConsumerPact) -> None:
    pact.must_be_kept()
