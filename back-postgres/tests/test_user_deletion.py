from collections.abc import Sequence
from uuid import UUID, uuid4, uuid5

from database import Database
from shared.models.account import DeleteUser, ForgetUser
from shared.models.event import Command, EventEnvelope, NewEvent
from shared.models.user import NewUser, UserChange
from shared.testing.asgi_client import AsgiReply
from tests.builders import (
    confirming,
    event,
    mail_token,
    minted,
    profile_command,
    profile_of,
    recording,
    registered,
    registering,
    stored_credential,
    waiting,
)
from tests.callers import Callers

DELETIONS = UUID("0d1e5a52-5b8f-4a0f-9d0e-7a9c51f0c001")


def deleting(user_id: UUID) -> Command[DeleteUser]:
    told = event("user.deleted", user_id)
    envelope = told.envelope.model_copy(
        update={"event_id": uuid5(user_id, "deleted"), "payload": {"user_id": str(user_id)}}
    )
    return Command[DeleteUser](
        command_id=uuid5(DELETIONS, str(user_id)),
        data=DeleteUser(user_id=user_id),
        events=[NewEvent(aggregate_id=user_id, envelope=envelope)],
    )


async def delete(service: Callers, user_id: UUID) -> AsgiReply:
    return await service.api("POST", "/user-deletions", deleting(user_id))


async def forget(
    service: Callers, user_id: UUID, undelivered: Sequence[str] = ("timeline",)
) -> AsgiReply:
    asked = ForgetUser(
        user_id=user_id, deletion_id=uuid5(user_id, "deleted"), undelivered=list(undelivered)
    )
    reply = await service.workers("POST", "/outbox/forget", asked)
    assert reply.status == 200, reply.text
    return reply


async def found_in(database: Database, text: str) -> list[str]:
    """The tables that have a row with `text` in it."""
    tables = await database.rows(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    found = []
    for table in (row["relname"] for row in tables):
        statement = f"SELECT 1 FROM {table} AS it WHERE it::text LIKE '%' || $1 || '%'"  # noqa: S608 - names of tables
        if await database.rows(statement, text):
            found.append(table)
    return sorted(found)


async def admin(service: Callers) -> NewUser:
    new = registering(await stored_credential(service)).data.model_copy(update={"role": "admin"})
    reply = await service.api("POST", "/users", Command[NewUser](command_id=uuid4(), data=new))
    assert reply.status == 201
    return new


def told(user_id: UUID, event_type: str, **payload: str) -> NewEvent:
    envelope: EventEnvelope = event(event_type, user_id).envelope
    whole = {"user_id": str(user_id), **payload}
    return NewEvent(aggregate_id=user_id, envelope=envelope.model_copy(update={"payload": whole}))


class TestDelete:
    async def test_removes_every_row_of_the_user(
        self, service: Callers, database: Database
    ) -> None:
        waits = await waiting(service, "ada@example.test")
        token = await minted(service, waits.user_id)
        await service.auth("POST", "/email-verifications", confirming(token))
        reset = mail_token(waits.user_id).model_copy(update={"purpose": "reset_password"})
        await service.auth("POST", "/mail-tokens", reset)
        await waiting(service, "ada@example.test")
        profile = profile_of(waits.user_id, first_name="Augusta")
        await service.api("POST", "/profiles", profile_command(profile))
        change = Command[UserChange](command_id=uuid4(), data=UserChange(status="active"))
        await service.api("PATCH", f"/users/{waits.user_id}", change)

        reply = await delete(service, waits.user_id)

        assert (reply.status, reply.json()) == (200, {"user_id": str(waits.user_id)})
        assert await found_in(database, "ada@example.test") == ["commands"]
        await forget(service, waits.user_id)
        assert await found_in(database, "ada@example.test") == []
        assert await found_in(database, "Augusta") == []
        assert await found_in(database, str(waits.user_id)) == [
            "commands",
            "deliveries",
            "events",
        ]

    async def test_a_repeat_answers_the_same(self, service: Callers) -> None:
        user = await registered(service)

        replies = [await delete(service, user.user_id) for _ in range(2)]

        assert replies[0].status == 200
        assert replies[0].body == replies[1].body

    async def test_nobody_can_not_be_deleted(self, service: Callers) -> None:
        reply = await delete(service, uuid4())

        assert (reply.status, reply.json()["code"]) == (404, "user_not_found")

    async def test_an_admin_is_left(self, service: Callers) -> None:
        first, second = await admin(service), await admin(service)

        replies = [await delete(service, it.user_id) for it in (first, second)]

        assert replies[0].status == 200
        assert (replies[1].status, replies[1].json()["code"]) == (409, "last_admin")
        assert (await service.api("GET", f"/users/{second.user_id}")).status == 200


class TestForget:
    async def test_a_command_that_comes_back_makes_nobody(self, service: Callers) -> None:
        command = registering(await stored_credential(service))
        await service.api("POST", "/users", command)
        await delete(service, command.data.user_id)
        await forget(service, command.data.user_id)

        reply = await service.api("POST", "/users", command)

        assert (reply.status, reply.json()["code"]) == (409, "command_reused")

    async def test_events_lose_their_personal_fields_and_keep_the_others(
        self, service: Callers, database: Database
    ) -> None:
        user = await registered(service)
        login = told(user.user_id, "auth.logout", network="192.0.2.77", sid="a sid")
        other = told(uuid4(), "auth.logout", network="192.0.2.88")
        await service.auth("POST", "/events", recording(login, other))

        await forget(service, user.user_id)

        rows = await database.rows(
            "SELECT payload FROM events WHERE event_id = ANY($1::uuid[]) ORDER BY position",
            [login.envelope.event_id, other.envelope.event_id],
        )
        assert [row["payload"] for row in rows] == [
            {"user_id": str(user.user_id), "sid": "a sid"},
            other.envelope.payload,
        ]

    async def test_what_was_not_delivered_is_not_but_for_the_deletion_and_the_audit_log(
        self, service: Callers, database: Database
    ) -> None:
        user = await registered(service)
        notified = told(user.user_id, "notification.created", title="hello")
        await service.api("POST", "/events", recording(notified))
        await delete(service, user.user_id)

        forgotten = await forget(service, user.user_id, ["live", "mail", "timeline", "unread"])

        assert forgotten.json()["deliveries"] == 4
        rows = await database.rows(
            "SELECT event_type, consumer, deliveries.due_at = 'infinity' AS waits FROM deliveries"
            " JOIN events USING (event_id)"
            " WHERE deliveries.aggregate_id = $1 AND state = 'pending'",
            user.user_id,
        )
        assert {row["event_type"] for row in rows} == {"user.deleted"}
        assert {"audit", "erasure", "timeline"} <= {row["consumer"] for row in rows}
        assert not any(row["waits"] for row in rows)

    async def test_a_repeat_changes_nothing(self, service: Callers) -> None:
        user = await registered(service)
        await delete(service, user.user_id)

        replies = [await forget(service, user.user_id) for _ in range(2)]

        assert [it.json()["complete"] for it in replies] == [True, True]
        assert [it.json()["commands"] for it in replies] == [1, 0]

    async def test_only_back_workers_may_ask(self, service: Callers) -> None:
        asked = ForgetUser(user_id=uuid4(), deletion_id=uuid4(), undelivered=[])

        reply = await service.api("POST", "/outbox/forget", asked)

        assert reply.status == 403


class TestAccountRecord:
    async def test_has_the_terms_that_were_accepted(self, service: Callers) -> None:
        waits = await waiting(service)
        token = await minted(service, waits.user_id)
        await service.auth("POST", "/email-verifications", confirming(token))

        record = await service.api("GET", f"/users/{waits.user_id}/account-record")

        assert record.json()["email"] == waits.email
        assert record.json()["terms_version"] == "2026-11"

    async def test_of_nobody(self, service: Callers) -> None:
        reply = await service.api("GET", f"/users/{uuid4()}/account-record")

        assert (reply.status, reply.json()["code"]) == (404, "user_not_found")
