"""Deliveries as admins and operators see and replay them."""

import json
from uuid import UUID, uuid4

import pytest
from fakes import FakeDeliveries
from stub_services import StubServices

from features.event_administration.__main__ import main
from features.event_administration.domain import HIDDEN, EventAdministration, Operator, Wanted
from services.actor import Actor
from shared.models.base import now
from shared.models.event_administration import DeliveryState, ReplayFilter, ShownDelivery
from shared.testing.asgi_client import AsgiClient, in_memory

ADMIN = ("events:read", "events:replay")
ACTOR = Actor(uuid4(), "192.0.2.1")
PATH = "/api/admin/events"


def delivery(
    state: DeliveryState = "dead", consumer: str = "mail", **changes: object
) -> ShownDelivery:
    fields: dict[str, object] = {
        "delivery_id": uuid4(),
        "event_id": uuid4(),
        "event_type": "user.registered",
        "consumer": consumer,
        "aggregate_id": uuid4(),
        "state": state,
        "attempts": 8,
        "last_error": "the mailbox of ada@example.org is full",
        "due_at": None,
        "created_at": now(),
        "done_at": None,
        "version": 1,
        "occurred_at": now(),
        "correlation_id": "correlation-1",
        "payload": {},
    }
    return ShownDelivery.model_validate(fields | changes)


@pytest.fixture
def deliveries() -> FakeDeliveries:
    return FakeDeliveries()


@pytest.fixture
def administration(deliveries: FakeDeliveries) -> EventAdministration:
    return EventAdministration(deliveries)


class TestShown:
    async def test_secrets_are_hidden_and_addresses_shortened(
        self, deliveries: FakeDeliveries, administration: EventAdministration
    ) -> None:
        payload = {
            "user_id": "a0000000-0000-4000-8000-000000000001",
            "credential_id": "c0000000-0000-4000-8000-000000000001",
            "email": "ada@example.org",
            "attempts": 3,
            "nothing": None,
            "refresh_token": "r1",
            "deep": [{"new_password": "p", "text": "of ada@example.org and b@c.de"}],
            "tokens": ["a", None],
        }
        shown = delivery(payload=payload)
        deliveries.deliveries = [shown]
        found = await administration.get(shown.delivery_id)
        assert found.payload == payload | {
            "email": "a…@example.org",
            "refresh_token": HIDDEN,
            "deep": [{"new_password": HIDDEN, "text": "of a…@example.org and b…@c.de"}],
            "tokens": [HIDDEN, None],
        }
        assert found.last_error == "the mailbox of a…@example.org is full"

    async def test_addresses_of_a_list_are_shortened(
        self, deliveries: FakeDeliveries, administration: EventAdministration
    ) -> None:
        deliveries.deliveries = [delivery(), delivery(last_error=None)]
        page = await administration.page(Wanted(), 10, None)
        assert [it.last_error for it in page.items] == [
            "the mailbox of a…@example.org is full",
            None,
        ]


class TestReplay:
    async def test_says_who_replayed_what(
        self, deliveries: FakeDeliveries, administration: EventAdministration
    ) -> None:
        dead = delivery()
        deliveries.deliveries = [dead]
        await administration.replay(ACTOR, dead.delivery_id)
        await administration.replay_all(Operator("ada@host"), ReplayFilter(consumer="mail"))
        by_admin, by_operator = (event.envelope for event in deliveries.events)
        assert by_admin.event_type == by_operator.event_type == "delivery.replayed"
        said = {name: value for name, value in by_admin.payload.items() if value is not None}
        assert said == {
            "actor_id": str(ACTOR.user_id),
            "network": "192.0.2.1",
            "delivery_id": str(dead.delivery_id),
            "limit": 1,
        }
        said = {name: value for name, value in by_operator.payload.items() if value is not None}
        assert said == {"operator": "ada@host", "consumer": "mail", "limit": 100}

    async def test_a_repeated_command_replays_once(
        self, deliveries: FakeDeliveries, administration: EventAdministration
    ) -> None:
        command_id = uuid4()
        deliveries.deliveries = [delivery(), delivery()]
        wanted = ReplayFilter(consumer="mail", limit=1)
        first = await administration.replay_all(ACTOR, wanted, command_id)
        assert await administration.replay_all(ACTOR, wanted, command_id) == first
        assert [it.state for it in deliveries.deliveries] == ["dead", "pending"]
        assert len(deliveries.events) == 1


class TestCalls:
    async def test_list_show_and_count(self, api: AsgiClient, stubs: StubServices) -> None:
        dead = delivery()
        stubs.deliveries.deliveries = [delivery("done"), dead, delivery("dead", "audit")]
        bearer = stubs.bearer(uuid4(), role="admin", permissions=ADMIN)
        asked = {"state": "dead", "consumer": "mail", "type": "user.registered", "limit": "1"}
        page = await api.get(PATH, headers=bearer, params=asked)
        assert page.json()["next"] is None
        assert f'"{dead.delivery_id}"' in page.text
        shown = await api.get(f"{PATH}/{dead.delivery_id}", headers=bearer)
        assert shown.json()["correlation_id"] == "correlation-1"
        counted = await api.get(f"{PATH}/backlog", headers=bearer)
        assert (
            '"consumer":"mail","pending":0,"due":0,"blocked":0,"leased":0,"dead":1' in counted.text
        )

    async def test_replay_and_its_repeat(self, api: AsgiClient, stubs: StubServices) -> None:
        dead = delivery()
        stubs.deliveries.deliveries = [dead]
        headers = stubs.bearer(uuid4(), role="admin", permissions=ADMIN)
        path = f"{PATH}/{dead.delivery_id}/replay"
        keyed = headers | {"Idempotency-Key": "k"}
        for replayed in (None, "true"):
            reply = await api.post(path, headers=keyed)
            assert (reply.status, reply.json()) == (202, {"replayed": 1})
            assert reply.headers.get("idempotent-replayed") == replayed
        refused = await api.post(path, headers=headers)
        assert (refused.status, refused.json()["code"]) == (409, "delivery_not_dead")
        nobody = await api.post(f"{PATH}/{uuid4()}/replay", headers=headers)
        assert nobody.status == 404

    async def test_replay_of_many_needs_a_filter(
        self, api: AsgiClient, stubs: StubServices
    ) -> None:
        stubs.deliveries.deliveries = [delivery()]
        headers = stubs.bearer(uuid4(), role="admin", permissions=ADMIN)
        assert (await api.post(f"{PATH}/replay", json={}, headers=headers)).status == 422
        body = {"event_type": "user.registered"}
        reply = await api.post(f"{PATH}/replay", json=body, headers=headers)
        assert (reply.status, reply.json()) == (202, {"replayed": 1})

    @pytest.mark.parametrize(
        "method, path",
        [("GET", ""), ("GET", "/backlog"), ("POST", "/replay"), ("GET", f"/{uuid4()}")],
    )
    async def test_others_may_not(
        self, api: AsgiClient, stubs: StubServices, method: str, path: str
    ) -> None:
        reading = ("events:read",) if method == "POST" else ("audit:read",)
        bearer = stubs.bearer(uuid4(), role="admin", permissions=reading)
        reply = await api.request(method, f"{PATH}{path}", headers=bearer, json={"consumer": "a"})
        assert (reply.status, reply.json()["code"]) == (403, "permission_missing")

    async def test_health_shows_the_backlog_and_never_fails_by_it(
        self, api: AsgiClient, stubs: StubServices, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stubs.deliveries.deliveries = [delivery()]
        health = (await api.get("/health")).json()
        assert health["backlog"][1]["dead"] == 1  # type: ignore[index,call-overload]
        stubs.deliveries.down = True
        monkeypatch.setattr("shared.kit.runtime.health._ANSWER_KEPT_SECONDS", 0)
        assert (await api.get("/health")).json()["backlog"] == health["backlog"], "kept for 5 s"
        monkeypatch.setattr("shared.kit.runtime.health.BACKLOG_KEPT_SECONDS", 0)
        without = (await api.get("/health")).json()
        assert (without["status"], without["backlog"]) == (health["status"], None)


@pytest.fixture
def command(
    environment: pytest.MonkeyPatch, stubs: StubServices, capsys: pytest.CaptureFixture[str]
) -> "Command":
    return Command(stubs, capsys)


class Command:
    """`./dev events` on stub services."""

    def __init__(self, stubs: StubServices, capsys: pytest.CaptureFixture[str]) -> None:
        self._stubs = stubs
        self._capsys = capsys
        self.errors = ""

    def __call__(self, *words: str, status: int = 0) -> str:
        assert main(list(words), connect=in_memory(self._stubs.apps())) == status
        said = self._capsys.readouterr()
        self.errors = said.err
        return said.out


class TestCommand:
    def test_list_and_dead(self, command: Command, stubs: StubServices) -> None:
        dead, done = delivery(last_error="a" * 99), delivery("done", "audit", last_error=None)
        stubs.deliveries.deliveries = [done, dead]
        header, first, second = command("list").splitlines()
        assert header.split() == [
            *("delivery_id", "event_type", "consumer", "state"),
            *("attempts", "created_at", "last_error"),
        ]
        assert str(done.delivery_id) in first
        assert second.endswith("a…")
        assert str(dead.delivery_id) in command("dead", "--consumer", "mail")
        assert command("dead", "--consumer", "audit") == "There is none.\n"
        assert "More: --before 1" in command("list", "--limit", "1")
        page = json.loads(command("list", "--json", "--state", "done", "--since", "2026-01-01"))
        assert [it["delivery_id"] for it in page["items"]] == [str(done.delivery_id)]

    def test_show_and_stats(self, command: Command, stubs: StubServices) -> None:
        dead = delivery(payload={"email": "ada@example.org"})
        stubs.deliveries.deliveries = [dead]
        assert json.loads(command("show", str(dead.delivery_id)))["payload"] == {
            "email": "a…@example.org"
        }
        header, audit, mail = command("stats").splitlines()
        assert header.split()[:2] == ["consumer", "pending"]
        assert (audit.split()[0], mail.split()[5]) == ("audit", "1")
        assert json.loads(command("stats", "--json"))["consumers"][1]["dead"] == 1

    def test_replay(self, command: Command, stubs: StubServices) -> None:
        dead = [delivery() for _ in range(4)]
        stubs.deliveries.deliveries = dead
        by = "--operator=ada@host"
        assert command("replay", str(dead[0].delivery_id), by) == "1 delivery is pending again.\n"
        assert "2 deliveries are" in command("replay", "--type", "user.registered", "--limit", "2")
        assert "1 delivery is" in command("replay", "--since", "2026-01-01T00:00+00:00")
        first = stubs.deliveries.events[0].envelope.payload
        assert (first["operator"], first["actor_id"]) == ("ada@host", None)
        assert "@" in str(stubs.deliveries.events[1].envelope.payload["operator"])

    def test_what_is_refused_is_said(self, command: Command) -> None:
        assert command("show", str(UUID(int=0)), status=1) == ""
        assert command.errors
        assert command("replay", status=1) == ""
        assert command.errors == "name a consumer, a type, or a time span\n"
        assert command("list", "--before", "garbage", status=1) == ""
