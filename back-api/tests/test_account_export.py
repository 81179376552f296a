"""`GET /api/users/me/export`."""

import json
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from fakes import FakeEvents, FakeOwnData
from stub_services import StubServices

from features.account_export.domain import AccountExports
from services.actor import Actor
from shared.kit.errors import Unauthenticated, Unavailable
from shared.models.account_export import AccountExport
from shared.models.audit import AuditEntry
from shared.models.base import now
from shared.models.notification import Notification
from shared.models.tool import Launch
from shared.testing.asgi_client import AsgiClient

USER = uuid4()
ACTOR = Actor(USER, "192.0.2.1")


@pytest.fixture
def own() -> FakeOwnData:
    return FakeOwnData()


@pytest.fixture
def events() -> FakeEvents:
    return FakeEvents()


@pytest.fixture
def exports(own: FakeOwnData, events: FakeEvents) -> AccountExports:
    return AccountExports(own, events)


async def joined(parts: AsyncIterator[bytes]) -> AccountExport:
    text = b"".join([part async for part in parts])
    assert set(json.loads(text)) == set(AccountExport.model_fields), "each field stands in it"
    return AccountExport.model_validate_json(text)


def entry(actor_id: UUID | None = None) -> AuditEntry:
    payload = {"user_id": str(USER), "network": "192.0.2.9"}
    if actor_id:
        payload["actor_id"] = str(actor_id)
    return AuditEntry(
        event_id=uuid4(),
        event_type="user.administered",
        occurred_at=now(),
        user_id=USER,
        correlation_id="correlation-1",
        payload=dict(payload),
    )


def notification() -> Notification:
    return Notification(
        id=uuid4(),
        kind="welcome",
        title="Hola «ñ»",
        body="b",
        data={},
        read_at=None,
        created_at=now(),
    )


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_has_every_page_of_each_list(
    exports: AccountExports, own: FakeOwnData, count: int
) -> None:
    own.notified = [notification() for _ in range(count)]
    own.entries = [entry() for _ in range(count)]
    own.launched = [Launch(tool_id=uuid4(), launched_at=now()) for _ in range(count)]
    document = await joined(await exports.document(ACTOR, uuid4()))
    assert document.account.email == own.email
    assert document.notifications == own.notified
    assert document.audit == own.entries
    assert document.launches == own.launched


async def test_where_an_admin_acted_it_has_not_the_network_of_the_admin(
    exports: AccountExports, own: FakeOwnData
) -> None:
    own.entries = [entry(uuid4()), entry(USER), entry()]
    document = await joined(await exports.document(ACTOR, uuid4()))
    assert ["network" in it.payload for it in document.audit] == [False, True, True]


async def test_is_given_only_when_that_is_recorded(
    exports: AccountExports, events: FakeEvents
) -> None:
    events.down = True
    with pytest.raises(Unavailable):
        await exports.document(ACTOR, uuid4())
    events.down = False
    await exports.document(ACTOR, uuid4())
    (event,) = events.events
    assert event.envelope.event_type == "user.exported"
    assert event.envelope.payload == {"user_id": str(USER), "network": "192.0.2.1"}


async def test_who_is_gone_gets_none(exports: AccountExports, own: FakeOwnData) -> None:
    own.gone = True
    with pytest.raises(Unauthenticated):
        await exports.document(ACTOR, uuid4())


async def test_breaks_off_where_a_later_page_can_not_be_read(
    exports: AccountExports, own: FakeOwnData
) -> None:
    own.entries, own.breaks_at = [entry() for _ in range(3)], "2"
    document = await exports.document(ACTOR, uuid4())
    with pytest.raises(Unavailable):
        await joined(document)


class TestEndpoint:
    async def test_is_a_file_of_the_documented_shape(
        self, api: AsgiClient, stubs: StubServices, user_id: UUID
    ) -> None:
        stubs.recipients.add(user_id)
        reply = await api.get("/api/users/me/export", headers=stubs.bearer(user_id))
        assert reply.status == 200, reply.text
        document = AccountExport.model_validate_json(reply.body)
        assert document.account.id == user_id
        assert document.sessions[0].device == ""
        assert reply.headers["cache-control"] == "no-store"
        assert "account.json" in reply.headers["content-disposition"]

    async def test_a_store_that_is_out_is_a_problem_and_no_broken_file(
        self, api: AsgiClient, stubs: StubServices, user_id: UUID
    ) -> None:
        stubs.recipients.add(user_id)
        stubs.timeline.down = True
        reply = await api.get("/api/users/me/export", headers=stubs.bearer(user_id))
        assert reply.status == 503
        assert reply.headers["content-type"] == "application/problem+json"

    async def test_who_is_gone_is_nobody(self, api: AsgiClient, stubs: StubServices) -> None:
        reply = await api.get("/api/users/me/export", headers=stubs.bearer(uuid4()))
        assert (reply.status, reply.json()["code"]) == (401, "account_gone")
