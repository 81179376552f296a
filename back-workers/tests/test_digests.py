"""Whose digest is due, and what it covers: the clock is what the tests say."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

import digests
from digests import due_zones, send_digests, span_of
from shared.kit import ServiceClient
from shared.models.notification import DueDigest
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from tests.fake_services import FakeServices

HOUR = 8


def due_in(timezone: str, local_date: date, *, last_date: date | None = None) -> DueDigest:
    return DueDigest(user_id=uuid4(), timezone=timezone, local_date=local_date, last_date=last_date)


class TestZones:
    @pytest.mark.parametrize(
        "moment, found",
        [
            # Madrid is two hours before UTC in summer and one in winter: 2026-03-29, 2026-10-25.
            ("2026-03-28T06:59", []),
            ("2026-03-28T07:00", ["2026-03-28"]),
            ("2026-03-29T05:59", []),
            ("2026-03-29T06:00", ["2026-03-29"]),
            ("2026-10-24T06:00", ["2026-10-24"]),
            ("2026-10-25T06:59", []),
            ("2026-10-25T07:00", ["2026-10-25"]),
            ("2026-10-25T22:59", ["2026-10-25"]),
            ("2026-10-25T23:00", []),
        ],
    )
    def test_the_hour_comes_by_the_clock_on_the_wall(self, moment: str, found: list[str]) -> None:
        at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        zones = due_zones(at, HOUR, ["Europe/Madrid"])
        assert [zone.local_date.isoformat() for zone in zones] == found

    def test_dates_differ_around_the_world(self) -> None:
        at = datetime(2026, 11, 22, 20, 30, tzinfo=UTC)
        zones = {zone.timezone: zone.local_date.day for zone in due_zones(at, HOUR)}
        assert zones["Pacific/Auckland"] == 23
        assert zones["America/Lima"] == zones["UTC"] == 22
        assert "Asia/Tokyo" not in zones  # it is 5:30 there


class TestSpan:
    @pytest.mark.parametrize(
        "day, hours", [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
    )
    def test_a_day_of_a_clock_change_is_covered_as_it_is(self, day: date, hours: int) -> None:
        since, until = span_of(due_in("Europe/Madrid", day), HOUR)
        assert until - since == timedelta(hours=hours)
        assert (since.tzinfo, until.tzinfo) == (UTC, UTC)

    def test_one_begins_where_the_one_before_ended(self) -> None:
        days = [date(2026, 10, 24) + timedelta(days=n) for n in range(3)]
        spans = [span_of(due_in("Europe/Madrid", day), HOUR) for day in days]
        assert [since for since, _ in spans[1:]] == [until for _, until in spans[:-1]]

    @pytest.mark.parametrize("missed, days", [(1, 1), (3, 3), (30, 7)])
    def test_after_an_outage_it_reaches_back_to_the_one_before(
        self, missed: int, days: int
    ) -> None:
        day = date(2026, 6, 20)
        due = due_in("UTC", day, last_date=day - timedelta(days=missed))
        since, until = span_of(due, HOUR)
        assert until - since == timedelta(days=days)


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class TestSend:
    @pytest.fixture
    def postgres(self, services: FakeServices, keys: Identities) -> ServiceClient:
        return keys.client("back-workers", "back-postgres", AsgiTransport(services.app()))

    async def test_each_due_user_gets_one_a_date(
        self,
        services: FakeServices,
        postgres: ServiceClient,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(digests, "PAGE", 2)
        services.digests = [due_in("UTC", NOON.date()) for _ in range(5)]
        services.digests.append(due_in("Pacific/Honolulu", NOON.date()))  # it is 2:00 there
        assert await send_digests(postgres, hour=HOUR, moment=NOON) == 5
        assert await send_digests(postgres, hour=HOUR, moment=NOON) == 0
        assert len(services.recorded_digests) == 5

    async def test_a_user_and_a_date_are_one_command(
        self, services: FakeServices, postgres: ServiceClient
    ) -> None:
        services.digests = [due_in("Europe/Madrid", NOON.date())]
        await send_digests(postgres, hour=HOUR, moment=NOON)
        [(command_id, first)] = services.recorded_digests.items()
        services.recorded_digests.clear()
        await send_digests(postgres, hour=HOUR, moment=NOON + timedelta(hours=1))
        [(again_id, again)] = services.recorded_digests.items()
        assert again_id == command_id
        [event], [repeated] = first.events, again.events
        assert event.envelope.payload == repeated.envelope.payload
        assert event.envelope.payload == {
            "user_id": str(services.digests[0].user_id),
            "local_date": "2026-11-22",
            "since": "2026-11-21T07:00:00Z",
            "until": "2026-11-22T07:00:00Z",
        }
        assert event.aggregate_id == services.digests[0].user_id

    async def test_without_a_zone_nobody_is_asked(
        self, services: FakeServices, postgres: ServiceClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(digests, "available_timezones", lambda: {"UTC"})
        services.digests = [due_in("UTC", NOON.date())]
        assert await send_digests(postgres, hour=13, moment=NOON) == 0
