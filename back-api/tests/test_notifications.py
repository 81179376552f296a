"""Notifications: who gets them, how they are told, read and counted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Template
from uuid import UUID, uuid4

import pytest
from fakes import FakeEvents, FakeRecipients, FakeTimeline, FakeUnreadCounts
from stub_services import StubServices

from features.notifications.domain import Notifications
from features.notifications.kinds import KINDS, SOURCES, Kind, Texts
from services.actor import Actor
from shared.kit.contract_registry import contract_registry
from shared.kit.errors import Conflict, NotFound, RuleViolated, Unavailable
from shared.models.base import now
from shared.models.event import EventEnvelope
from shared.models.notification import (
    Channels,
    KindPreference,
    NotificationCreated,
    NotificationKind,
    Notify,
    Preferences,
    ReplacePreferences,
)
from shared.models.profile import LANGUAGES
from shared.testing.asgi_client import AsgiClient, AsgiReply
from shared.testing.identities import Identities

MESSAGE = Notify(title=" Maintenance ", body="Tonight,\nfrom 22:00.")
ADMIN = Actor(UUID(int=1), "192.0.2.1")


@dataclass
class World:
    """The domain over fakes; `deliver` does what the relay does with the events."""

    recipients: FakeRecipients = field(default_factory=FakeRecipients)
    timeline: FakeTimeline = field(default_factory=FakeTimeline)
    counts: FakeUnreadCounts = field(default_factory=FakeUnreadCounts)
    events: FakeEvents = field(default_factory=FakeEvents)

    def __post_init__(self) -> None:
        self.domain = Notifications(self.recipients, self.timeline, self.counts, self.events)

    def created(self) -> list[NotificationCreated]:
        return [
            NotificationCreated.model_validate(it.envelope.payload)
            for it in self.events.events
            if it.envelope.event_type == "notification.created"
        ]

    async def deliver(self) -> None:
        envelopes = [it.envelope for it in self.events.events]
        wanted = [it for it in envelopes if it.event_type.startswith("notification.")]
        await self.timeline.apply(wanted)
        await self.counts.apply(wanted)

    async def notified(self, user_id: UUID, count: int) -> list[UUID]:
        """The ids of messages that reached the user's timeline."""
        ids = [(await self.domain.notify(ADMIN, user_id, MESSAGE)).event_id for _ in range(count)]
        await self.deliver()
        return ids


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ada(world: World) -> UUID:
    return world.recipients.add().user_id


class TestNotify:
    async def test_makes_a_notification_with_the_id_of_its_event(
        self, world: World, ada: UUID
    ) -> None:
        accepted = await world.domain.notify(ADMIN, ada, MESSAGE)

        made, told = (it.envelope for it in world.events.events)
        assert made.event_type == "notification.created"
        assert made.event_id == accepted.event_id
        assert {it.aggregate_id for it in world.events.events} == {ada}
        [created] = world.created()
        assert created.id == made.event_id
        assert created.created_at == made.occurred_at
        assert (created.user_id, created.kind) == (ada, "admin_message")
        assert (created.title, created.body) == ("Maintenance", "Tonight,\nfrom 22:00.")
        assert created.channels == ["live"]
        assert told.event_type == "user.notified"
        assert told.payload == {
            "actor_id": str(ADMIN.user_id),
            "user_id": str(ada),
            "notification_id": str(accepted.event_id),
            "network": "192.0.2.1",
        }

    async def test_a_repeated_command_makes_one(self, world: World, ada: UUID) -> None:
        command_id = uuid4()
        first = await world.domain.notify(ADMIN, ada, MESSAGE, command_id)
        assert await world.domain.notify(ADMIN, ada, MESSAGE, command_id) == first
        assert len(world.created()) == 1

    async def test_other_conflicts_are_told(self, world: World, ada: UUID) -> None:
        command_id = uuid4()
        await world.domain.notify(ADMIN, ada, MESSAGE, command_id)
        world.events.recorded.clear()
        with pytest.raises(Conflict, match="event_exists"):
            await world.domain.notify(ADMIN, ada, MESSAGE, command_id)

    async def test_nobody_is_not_found(self, world: World) -> None:
        with pytest.raises(NotFound, match="user_not_found"):
            await world.domain.notify(ADMIN, uuid4(), MESSAGE)

    async def test_who_is_suspended_gets_nothing(self, world: World) -> None:
        suspended = world.recipients.add(status="suspended")
        with pytest.raises(Conflict, match="user_not_active"):
            await world.domain.notify(ADMIN, suspended.user_id, MESSAGE)
        assert world.events.events == []

    async def test_a_dollar_sign_is_no_placeholder(self, world: World, ada: UUID) -> None:
        await world.domain.notify(ADMIN, ada, Notify(title="$5 $title", body="${body} $$"))
        [created] = world.created()
        assert (created.title, created.body) == ("$5 $title", "${body} $$")

    @pytest.mark.parametrize(
        "live, mail, channels",
        [
            (True, True, ["live", "mail"]),
            (False, True, ["mail"]),
            (True, False, ["live"]),
            (False, False, []),
        ],
    )
    async def test_goes_the_ways_that_its_user_chose(
        self, world: World, *, live: bool, mail: bool, channels: list[str]
    ) -> None:
        chosen = {"admin_message": KindPreference(live=live, mail=mail)}
        await world.domain.notify(ADMIN, world.recipients.add(kinds=chosen).user_id, MESSAGE)
        [created] = world.created()
        assert created.channels == channels


def happened(event_type: str, user_id: UUID, /, **payload: object) -> EventEnvelope:
    return EventEnvelope.model_validate(
        {
            "event_id": uuid4(),
            "event_type": event_type,
            "occurred_at": now(),
            "correlation_id": "correlation-1",
            "payload": {"user_id": str(user_id)} | payload,
        }
    )


class TestTake:
    async def test_a_confirmed_user_is_welcomed_in_their_language(self, world: World) -> None:
        for language, title in ((None, "Welcome"), ("es", "bienvenida"), ("fr", "Welcome")):
            ada = world.recipients.add(language=language)
            await world.domain.take(happened("user.verified", ada.user_id))
            created = world.created()[-1]
            assert (created.kind, title in created.title) == ("welcome", True)
            assert created.language == (language if language in LANGUAGES else "en")

    async def test_a_profile_is_told_with_what_the_event_says(
        self, world: World, ada: UUID
    ) -> None:
        event = happened("profile.created", ada, profile_id="p", completion=40)
        await world.domain.take(event)
        [created] = world.created()
        assert created.body == "It is 40 % complete."
        assert created.data == {"profile_id": "p"}

    async def test_of_the_finished_tasks_only_a_good_export_is_told(
        self, world: World, ada: UUID
    ) -> None:
        for kind, status in (
            ("user_export", "failed"),
            ("sweep_tasks", "succeeded"),
            ("user_export", "succeeded"),
        ):
            event = happened("task.finished", ada, task_id=status, kind=kind, status=status)
            await world.domain.take(event)
        [created] = world.created()
        assert (created.kind, created.data) == ("export_ready", {"task_id": "succeeded"})

    async def test_a_repeat_makes_nothing_new_whatever_changed_meanwhile(
        self, world: World, ada: UUID
    ) -> None:
        event = happened("user.verified", ada)
        await world.domain.take(event)
        world.recipients.add(ada, language="es")
        await world.domain.take(event)
        [created] = world.created()
        assert created.language == "en"

    async def test_who_is_gone_or_suspended_gets_nothing(self, world: World) -> None:
        suspended = world.recipients.add(status="suspended")
        for user_id in (uuid4(), suspended.user_id):
            await world.domain.take(happened("user.verified", user_id))
        assert world.events.events == []

    @pytest.mark.parametrize(
        "event_type, payload",
        [
            ("user.registered", {}),
            ("user.verified", {"user_id": "nobody"}),
            ("profile.created", {"completion": 40}),
            ("profile.created", {"profile_id": "p"}),
        ],
    )
    async def test_an_event_that_says_too_little_is_rejected(
        self, world: World, ada: UUID, event_type: str, payload: dict[str, object]
    ) -> None:
        with pytest.raises(RuleViolated, match="event_rejected"):
            await world.domain.take(happened(event_type, ada, **payload))
        assert world.events.events == []


def values_of(kind: NotificationKind) -> set[str]:
    """What the texts of a kind are given."""
    if kind == "admin_message":
        return {"title", "body"}
    return {name for it in SOURCES.values() if it.kind == kind for name in it.values}


class TestKinds:
    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("name", KINDS)
    def test_each_kind_has_texts_in_each_language(
        self, name: NotificationKind, language: str
    ) -> None:
        texts = KINDS[name].texts[language]
        assert Template(texts.title).is_valid()
        assert Template(texts.body).is_valid()
        assert texts.placeholders == values_of(name)
        rendered = texts.rendered(dict.fromkeys(values_of(name), "value"))
        assert "$" not in rendered.title + rendered.body

    def test_every_kind_has_defaults_and_texts(self) -> None:
        assert set(KINDS) == set(NotificationKind.__args__)  # type: ignore[attr-defined]

    def test_a_placeholder_without_a_value_is_an_error(self) -> None:
        with pytest.raises(KeyError):
            Texts("$title", "").rendered({})

    def test_a_missing_language_is_english(self) -> None:
        kind = Kind(KindPreference(live=True, mail=True), {"en": Texts("a", "b")})
        assert kind.texts_in("es") == ("en", Texts("a", "b"))

    def test_every_event_that_contracts_send_here_becomes_one(self) -> None:
        sent = {
            event_type
            for event_type, names in contract_registry().routing.items()
            if "notifications" in names
        }
        assert sent == set(SOURCES)


class TestRead:
    async def test_one(self, world: World, ada: UUID) -> None:
        first, second = await world.notified(ada, 2)
        await world.domain.unread(ada)
        await world.domain.read(ada, first)

        page = await world.domain.page(ada, unread=False, limit=10, before=None)
        assert {it.id: it.read_at is not None for it in page.items} == {first: True, second: False}
        unread = await world.domain.page(ada, unread=True, limit=10, before=None)
        assert [it.id for it in unread.items] == [second]
        assert (await world.domain.unread(ada)).unread == 1

    async def test_all(self, world: World, ada: UUID) -> None:
        await world.notified(ada, 3)
        await world.domain.unread(ada)
        await world.domain.read_all(ada)
        assert (await world.domain.unread(ada)).unread == 0
        page = await world.domain.page(ada, unread=True, limit=10, before=None)
        assert page.items == []
        assert world.events.events[-1].envelope.payload == {"user_id": str(ada), "ids": None}

    async def test_a_repeat_stores_no_other_event(self, world: World, ada: UUID) -> None:
        [first] = await world.notified(ada, 1)
        before = len(world.events.events)
        for _ in range(3):
            await world.domain.read(ada, first)
        assert len(world.events.events) == before + 1
        await world.domain.read(uuid4(), first)
        assert len(world.events.events) == before + 2

    async def test_what_can_not_be_applied_now_is_left_to_the_relay(
        self, world: World, ada: UUID
    ) -> None:
        [first] = await world.notified(ada, 1)
        world.timeline.down = world.counts.down = True
        await world.domain.read(ada, first)
        world.timeline.down = world.counts.down = False
        await world.deliver()
        assert (await world.domain.unread(ada)).unread == 0

    async def test_nothing_is_applied_that_is_not_stored(self, world: World, ada: UUID) -> None:
        [first] = await world.notified(ada, 1)
        world.events.down = True
        with pytest.raises(Unavailable):
            await world.domain.read(ada, first)
        assert world.timeline.marks == {}


class TestUnread:
    async def test_a_lost_count_is_built_again(self, world: World, ada: UUID) -> None:
        await world.notified(ada, 2)
        assert (await world.domain.unread(ada)).unread == 2
        world.counts.built.clear()
        world.counts.unread.clear()
        assert (await world.domain.unread(ada)).unread == 2
        assert ada in world.counts.built

    async def test_a_current_count_asks_no_timeline(self, world: World, ada: UUID) -> None:
        await world.notified(ada, 2)
        await world.domain.unread(ada)
        world.timeline.down = True
        assert (await world.domain.unread(ada)).unread == 2

    async def test_the_last_known_count_stands_while_the_timeline_is_out(
        self, world: World, ada: UUID
    ) -> None:
        await world.notified(ada, 2)
        await world.domain.unread(ada)
        world.counts.stale.add(ada)
        world.timeline.down = True
        assert (await world.domain.unread(ada)).unread == 2

    async def test_an_unknown_count_is_told_as_unavailable_then(
        self, world: World, ada: UUID
    ) -> None:
        world.timeline.down = True
        with pytest.raises(Unavailable):
            await world.domain.unread(ada)

    async def test_the_timeline_counts_while_no_count_can_be_read(
        self, world: World, ada: UUID
    ) -> None:
        await world.notified(ada, 2)
        world.counts.down = True
        assert (await world.domain.unread(ada)).unread == 2

    async def test_the_timeline_counts_while_no_count_can_be_built(
        self, world: World, ada: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await world.notified(ada, 2)

        async def refuse(*_: object) -> None:
            raise Unavailable

        monkeypatch.setattr(world.counts, "rebuild", refuse)
        assert (await world.domain.unread(ada)).unread == 2


class TestPreferences:
    async def test_are_the_defaults_at_first(self, world: World, ada: UUID) -> None:
        found = await world.domain.preferences(ada)
        assert set(found.kinds) == set(KINDS)
        assert found.kinds["password_changed"].mail
        assert not found.kinds["welcome"].live
        assert found.digest == "off"

    async def test_are_replaced_as_a_whole(self, world: World, ada: UUID) -> None:
        for kind in ("welcome", "admin_message"):
            wanted = ReplacePreferences.model_validate(
                {"kinds": {kind: Channels(live=False, mail=True)}, "digest": "daily"}
            )
            stored = await world.domain.replace_preferences(ada, wanted)
            assert stored == await world.domain.preferences(ada)
        assert stored.digest == "daily"
        assert stored.kinds["admin_message"].model_dump() == {"live": False, "mail": True}
        assert stored.kinds["welcome"].model_dump() == {"live": False, "mail": False}

    async def test_of_nobody(self, world: World) -> None:
        with pytest.raises(NotFound):
            await world.domain.preferences(uuid4())


NOTIFY = {"title": "Hello", "body": "you"}


class TestCalls:
    @pytest.fixture
    def admin(self, stubs: StubServices) -> dict[str, str]:
        return stubs.bearer(uuid4(), role="admin", permissions=("users:notify",))

    @pytest.fixture
    def me(self, stubs: StubServices) -> UUID:
        return stubs.recipients.add().user_id

    async def test_notify_list_count_and_read(
        self, api: AsgiClient, stubs: StubServices, admin: dict[str, str], me: UUID
    ) -> None:
        async def get(path: str, **params: str) -> Mapping[str, object]:
            reply = await api.get(path, headers=stubs.bearer(me), params=params)
            assert reply.status == 200, reply.text
            found: Mapping[str, object] = reply.json()
            return found

        async def post(path: str) -> AsgiReply:
            return await api.post(path, headers=stubs.bearer(me))

        path = f"/api/admin/users/{me}/notify"
        ids: list[str] = []
        for _ in range(3):
            accepted = await api.post(path, json=NOTIFY, headers=admin)
            assert accepted.status == 202
            ids.append(str(accepted.json()["event_id"]))
        made = [it.envelope for it in stubs.events.events]
        await stubs.timeline.apply([it for it in made if it.event_type == "notification.created"])
        assert await get("/api/notifications/unread-count") == {"unread": 3}
        first = await get("/api/notifications", limit="2")
        rest = await get("/api/notifications", limit="2", before=str(first["next"]))
        assert rest["next"] is None
        items = [*list_of(first), *list_of(rest)]
        assert sorted(str(it["id"]) for it in items) == sorted(ids)
        assert set(items[0]) == {"id", "kind", "title", "body", "data", "read_at", "created_at"}

        assert (await post(f"/api/notifications/{ids[0]}/read")).status == 204
        assert len(list_of(await get("/api/notifications", unread="true"))) == 2
        assert await get("/api/notifications/unread-count") == {"unread": 2}
        assert (await post("/api/notifications/read-all")).status == 204
        assert await get("/api/notifications/unread-count") == {"unread": 0}

    async def test_preferences(self, api: AsgiClient, stubs: StubServices, me: UUID) -> None:
        bearer, path = stubs.bearer(me), "/api/notifications/preferences"
        body = {"kinds": {"admin_message": {"live": False, "mail": True}}, "digest": "daily"}
        stored = await api.request("PUT", path, json=body, headers=bearer)
        assert stored.status == 200
        assert (await api.get(path, headers=bearer)).json() == stored.json()
        found = Preferences.model_validate(stored.json())
        assert found.kinds["admin_message"].model_dump() == {"live": False, "mail": True}
        assert found.digest == "daily"

    @pytest.mark.parametrize(
        "body",
        [
            {"kinds": {"unknown": {"live": True, "mail": True}}},
            {"kinds": {"welcome": {"live": True}}},
            {"kinds": {"welcome": {"live": True, "mail": True, "sms": True}}},
            {"digest": "hourly"},
            {"more": 1},
        ],
    )
    async def test_preferences_that_there_are_not(
        self, api: AsgiClient, stubs: StubServices, me: UUID, body: dict[str, object]
    ) -> None:
        path = "/api/notifications/preferences"
        reply = await api.request("PUT", path, json=body, headers=stubs.bearer(me))
        assert reply.status == 422

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"title": "Hello"},
            {"title": " ", "body": "you"},
            {"title": "a\nb", "body": "you"},
            {"title": "x" * 201, "body": "you"},
            {"title": "Hello", "body": "\n "},
            {"title": "Hello", "body": "x" * 2001},
            {"title": "Hello", "body": "a\x00b"},
            {"title": "Hello", "body": "you", "kind": "welcome"},
        ],
    )
    async def test_messages_that_can_not_be_sent(
        self, api: AsgiClient, admin: dict[str, str], me: UUID, body: dict[str, object]
    ) -> None:
        reply = await api.post(f"/api/admin/users/{me}/notify", json=body, headers=admin)
        assert reply.status == 422

    async def test_only_admins_notify(self, api: AsgiClient, stubs: StubServices, me: UUID) -> None:
        path = f"/api/admin/users/{me}/notify"
        reply = await api.post(path, json=NOTIFY, headers=stubs.bearer(me))
        assert (reply.status, reply.json()["code"]) == (403, "permission_missing")

    async def test_nobody_can_not_be_notified(self, api: AsgiClient, admin: dict[str, str]) -> None:
        path = f"/api/admin/users/{uuid4()}/notify"
        reply = await api.post(path, json=NOTIFY, headers=admin)
        assert (reply.status, reply.json()["code"]) == (404, "user_not_found")

    @pytest.mark.parametrize(
        "params, status",
        [({"limit": "0"}, 422), ({"limit": "201"}, 422), ({"before": "garbage"}, 400)],
    )
    async def test_bad_questions(
        self,
        api: AsgiClient,
        stubs: StubServices,
        me: UUID,
        params: dict[str, str],
        status: int,
    ) -> None:
        bearer = stubs.bearer(me)
        reply = await api.get("/api/notifications", headers=bearer, params=params)
        assert reply.status == status

    async def test_the_relay_brings_events(
        self, api: AsgiClient, stubs: StubServices, keys: Identities, me: UUID
    ) -> None:
        path, event = "/internal/notifications/events", happened("user.verified", me)
        body = event.model_dump(mode="json")
        assert (await api.post(path, json=body, headers=stubs.bearer(me))).status == 401
        relay = keys.assertion(caller="back-workers", to="back-api")
        assert (await api.post(path, json=body, headers=relay)).status == 204
        [made] = stubs.events.events
        assert made.envelope.event_type == "notification.created"
        strange = body | {"event_type": "user.registered"}
        refused = await api.post(path, json=strange, headers=relay)
        assert (refused.status, refused.json()["code"]) == (422, "event_rejected")


def list_of(page: Mapping[str, object]) -> list[Mapping[str, object]]:
    items = page["items"]
    assert isinstance(items, list)
    return items
