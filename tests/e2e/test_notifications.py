"""Notifications through the gateway: told live and by mail, listed, counted, marked as read."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from websockets.asyncio.client import ClientConnection

from tests.stack import Mailbox, Visitor, code_of, until

LIVE_SECONDS = 30
MESSAGE = {"title": "Maintenance tonight", "body": "From 22:00\nto 23:00."}
PATH = "/api/notifications"

Event = dict[str, object]


async def id_of(user: Visitor) -> str:
    return str((await user.get("/api/users/me")).json()["id"])


async def notify(admin: Visitor, user_id: str) -> str:
    """The id of the notification."""
    reply = await admin.post(f"/api/admin/users/{user_id}/notify", MESSAGE)
    assert reply.status_code == 202, reply.text
    return str(reply.json()["event_id"])


async def listed(user: Visitor, **query: str) -> list[Event]:
    reply = await user.get(PATH, **query)
    assert reply.status_code == 200, reply.text
    items: list[Event] = reply.json()["items"]
    return items


async def holding(user: Visitor, *ids: str) -> dict[str, Event]:
    """The user's notifications by id, once they have these."""

    async def all_of() -> dict[str, Event] | None:
        found = {str(item["id"]): item for item in await listed(user)}
        return found if set(ids) <= set(found) else None

    return await until(all_of, within=40)


async def unread(user: Visitor) -> int:
    return int((await user.get(f"{PATH}/unread-count")).json()["unread"])


async def events(socket: ClientConnection, event_type: str) -> AsyncGenerator[Event, None]:
    """Those of one type that arrive in time."""
    while True:
        event: Event = json.loads(await asyncio.wait_for(socket.recv(), LIVE_SECONDS))
        if event["event_type"] == event_type:
            yield event


@pytest.fixture
async def user(user: Visitor) -> Visitor:
    """Somebody whose welcome has arrived."""

    async def welcomed() -> bool | None:
        return bool(await listed(user)) or None

    await until(welcomed, within=40)
    return user


class TestNotify:
    async def test_reaches_the_open_socket_the_list_and_the_count(
        self, admin: Visitor, user: Visitor
    ) -> None:
        user_id, before = await id_of(user), await unread(user)
        async with user.socket() as socket:
            notification_id = await notify(admin, user_id)
            async with aclosing(events(socket, "notification.created")) as created:
                event = await anext(created)
        assert event["event_id"] == notification_id
        payload = event["payload"]
        assert isinstance(payload, dict)
        assert (payload["id"], payload["title"]) == (notification_id, MESSAGE["title"])

        item = (await holding(user, notification_id))[notification_id]
        assert set(item) == {"id", "kind", "title", "body", "data", "read_at", "created_at"}
        assert (item["kind"], item["body"]) == ("admin_message", MESSAGE["body"])
        assert item["read_at"] is None

        async def counted() -> bool | None:
            return await unread(user) == before + 1 or None

        await until(counted, within=40)

    async def test_nobody_is_not_found(self, admin: Visitor) -> None:
        path = "/api/admin/users/00000000-0000-4000-8000-000000000000/notify"
        reply = await admin.post(path, MESSAGE)
        assert (reply.status_code, code_of(reply)) == (404, "user_not_found")

    async def test_users_may_not(self, user: Visitor) -> None:
        reply = await user.post(f"/api/admin/users/{await id_of(user)}/notify", MESSAGE)
        assert (reply.status_code, code_of(reply)) == (403, "permission_missing")


class TestRead:
    async def test_is_seen_by_the_next_request_and_told_to_other_tabs(
        self, admin: Visitor, user: Visitor
    ) -> None:
        user_id = await id_of(user)
        ids = [await notify(admin, user_id) for _ in range(3)]
        everything = await holding(user, *ids)

        async def counted() -> bool | None:
            return await unread(user) == len(everything) or None

        await until(counted, within=40)
        async with user.socket() as socket:
            assert (await user.post(f"{PATH}/{ids[1]}/read")).status_code == 204
            assert ids[1] not in [item["id"] for item in await listed(user, unread="true")]
            assert (await holding(user))[ids[1]]["read_at"] is not None
            assert await unread(user) == len(everything) - 1
            assert (await user.post(f"{PATH}/read-all")).status_code == 204
            assert await listed(user, unread="true") == []
            assert await unread(user) == 0
            async with aclosing(events(socket, "notification.read")) as read:
                told = [(await anext(read))["payload"] for _ in range(2)]
        assert told == [{"user_id": user_id, "ids": ids[1:2]}, {"user_id": user_id, "ids": None}]

    async def test_pages_have_no_gap(self, admin: Visitor, user: Visitor) -> None:
        user_id = await id_of(user)
        ids = [await notify(admin, user_id) for _ in range(4)]
        everything = list(await holding(user, *ids))
        paged: list[str] = []
        before: dict[str, str] = {}
        while True:
            page = (await user.get(PATH, limit=2, **before)).json()
            paged += [item["id"] for item in page["items"]]
            if page["next"] is None:
                break
            before = {"before": page["next"]}
        assert paged == everything


class TestEvents:
    async def test_a_created_profile_is_told_in_its_language(self, user: Visitor) -> None:
        profile = {"first_name": "Ada", "last_name": "Lovelace", "language": "es"}
        assert (await user.post("/api/profile", profile)).status_code == 201

        async def told() -> list[Event] | None:
            return [it for it in await listed(user) if it["kind"] == "profile_created"] or None

        [item] = await until(told, within=40)
        assert item["title"] == "Tu perfil está creado"


class TestPreferences:
    async def test_a_kind_that_is_switched_off_is_listed_alone(
        self, admin: Visitor, user: Visitor
    ) -> None:
        await self.choose(user, live=False, mail=False)
        user_id = await id_of(user)
        async with user.socket() as socket:
            silent = await notify(admin, user_id)
            await holding(user, silent)
            await self.choose(user, live=True, mail=False)
            loud = await notify(admin, user_id)
            async with aclosing(events(socket, "notification.created")) as created:
                assert (await anext(created))["event_id"] == loud

    async def test_a_kind_goes_by_mail_once_it_is_chosen(
        self, admin: Visitor, user: Visitor, mailbox: Mailbox
    ) -> None:
        await self.choose(user, live=False, mail=True)
        notification_id = await notify(admin, await id_of(user))

        async def mailed() -> list[str] | None:
            mails = await mailbox.to(user.email)
            return [it.message_id for it in mails if it.subject == MESSAGE["title"]] or None

        [message_id] = await until(mailed, within=40)
        assert notification_id in message_id

    async def choose(self, user: Visitor, *, live: bool, mail: bool) -> None:
        body = {"kinds": {"admin_message": {"live": live, "mail": mail}}, "digest": "off"}
        reply = await user.http.put(f"{PATH}/preferences", json=body, headers=user.bearer)
        assert reply.status_code == 200, reply.text
        assert (await user.get(f"{PATH}/preferences")).json() == reply.json()
