import asyncio
from uuid import uuid4

import pytest

from database import Database
from repositories.command_repository import CommandRepository
from shared.kit.errors import Conflict, InvalidRequest, NotFound
from shared.models.base import now
from shared.models.event import Command, Nothing, Recorded
from shared.models.user import NewUser
from tests.builders import event, profile_command, profile_of, recording, registered, registering
from tests.builders import stored_credential as stored
from tests.callers import Callers
from tests.database_waiting import until_found


def with_envelope(command: Command[NewUser], **fields: object) -> Command[NewUser]:
    """The command with other `fields` in the envelope of its only event."""
    [only] = command.events
    changed = only.model_copy(update={"envelope": only.envelope.model_copy(update=fields)})
    return command.model_copy(update={"events": [changed]})


class TestRepeats:
    async def test_ten_at_once_are_one(self, service: Callers, database: Database) -> None:
        command = registering(await stored(service), event(), event())

        replies = await asyncio.gather(*(service.api("POST", "/users", command) for _ in range(10)))

        assert {reply.status for reply in replies} == {201}
        assert len({reply.body for reply in replies}) == 1
        for table, rows in (("users", 1), ("commands", 1), ("events", 2), ("deliveries", 4)):
            found = await database.row(f"SELECT count(*) FROM {table}")  # noqa: S608
            assert found is not None
            assert found["count"] == rows, table

    async def test_later_it_still_gets_the_first_answer(self, service: Callers) -> None:
        profile = profile_of((await registered(service)).user_id)
        await service.api("POST", "/profiles", profile_command(profile))
        path = f"/users/{profile.user_id}/profile"
        command = profile_command(profile_of(profile.user_id, first_name="Augusta"), 1)

        first = await service.api("PUT", path, command)
        await service.api("PUT", path, profile_command(profile))
        repeat = await service.api("PUT", path, command)

        assert repeat.body == first.body
        assert repeat.headers["content-type"] == first.headers["content-type"]

    async def test_a_caller_that_read_again_may_repeat(self, service: Callers) -> None:
        profile = profile_of((await registered(service)).user_id)
        await service.api("POST", "/profiles", profile_command(profile))
        path = f"/users/{profile.user_id}/profile"
        command = profile_command(profile, 1)

        first = await service.api("PUT", path, command)
        repeat = await service.api("PUT", path, command.model_copy(update={"expected_version": 2}))

        assert repeat.body == first.body

    async def test_with_another_body_it_is_refused(self, service: Callers) -> None:
        command = registering(await stored(service))
        await service.api("POST", "/users", command)
        other = registering(await stored(service), command_id=command.command_id)

        reply = await service.api("POST", "/users", other)

        assert (reply.status, reply.json()["code"]) == (409, "command_reused")

    async def test_with_another_event_payload_it_is_refused(self, service: Callers) -> None:
        command = registering(await stored(service), event())
        await service.api("POST", "/users", command)
        other = with_envelope(command, payload={"user_id": str(uuid4())})

        reply = await service.api("POST", "/users", other)

        assert (reply.status, reply.json()["code"]) == (409, "command_reused")

    async def test_at_another_moment_it_is_a_repeat(self, service: Callers) -> None:
        command = registering(await stored(service), event())
        first = await service.api("POST", "/users", command)
        later = with_envelope(command, occurred_at=now(), correlation_id="of-the-repeat")

        repeat = await service.api("POST", "/users", later)

        assert (repeat.status, repeat.body) == (201, first.body)

    async def test_for_another_operation_it_is_refused(self, service: Callers) -> None:
        profile = profile_of((await registered(service)).user_id)
        command = profile_command(profile)
        await service.api("POST", "/profiles", command)

        reply = await service.api("PUT", f"/users/{profile.user_id}/profile", command)

        assert (reply.status, reply.json()["code"]) == (409, "command_reused")


class TestFailures:
    async def test_are_not_stored(self, service: Callers) -> None:
        command = registering(uuid4())
        await service.api("POST", "/users", command)
        await service.auth(
            "POST",
            "/credentials",
            {"credential_id": str(command.data.credential_id), "password_hash": "x"},
        )

        reply = await service.api("POST", "/users", command)

        assert reply.status == 201

    async def test_a_repeat_that_waited_for_a_failure_runs_itself(
        self, commands: CommandRepository
    ) -> None:
        command = recording(event())
        entered, leave = asyncio.Event(), asyncio.Event()

        async def fail(_: object) -> Recorded:
            entered.set()
            await leave.wait()
            raise NotFound

        first = asyncio.create_task(commands.execute("test", command, 201, fail))
        await entered.wait()
        second = asyncio.create_task(commands.execute("test", command, 201, succeed))
        leave.set()

        with pytest.raises(NotFound):
            await first
        assert (await second).status == 201

    async def test_of_the_event_undo_the_write(self, service: Callers) -> None:
        twice = event()
        command = registering(await stored(service), twice)
        await service.workers("POST", "/events", recording(twice))

        reply = await service.api("POST", "/users", command)

        assert (reply.status, reply.json()["code"]) == (409, "event_exists")
        read = await service.api("GET", f"/users/{command.data.user_id}")
        assert read.status == 404


async def succeed(_: object) -> Recorded:
    return Recorded(event_ids=[])


class TestEvents:
    async def test_are_stored_with_a_delivery_a_consumer(
        self, service: Callers, database: Database
    ) -> None:
        first, second = event("user.registered"), event("auth.logout")
        traceparent = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"

        reply = await service.call(
            "back-workers",
            "POST",
            "/events",
            recording(first, second),
            headers={"traceparent": traceparent},
        )

        assert reply.status == 201
        assert reply.json() == {
            "event_ids": [str(first.envelope.event_id), str(second.envelope.event_id)]
        }
        stored_events = await database.rows(
            "SELECT event_id, payload, traceparent FROM events ORDER BY position"
        )
        assert [row["event_id"] for row in stored_events] == [
            first.envelope.event_id,
            second.envelope.event_id,
        ]
        assert stored_events[0]["payload"] == first.envelope.payload
        assert stored_events[0]["traceparent"].split("-")[1] == "a" * 32
        routed = await database.rows("SELECT event_id, consumer FROM deliveries")
        assert {(row["event_id"], row["consumer"]) for row in routed} == {
            (first.envelope.event_id, "mail"),
            (first.envelope.event_id, "audit"),
            (second.envelope.event_id, "audit"),
        }

    async def test_that_no_contract_names_are_refused(self, service: Callers) -> None:
        reply = await service.workers("POST", "/events", recording(event("user.vanished")))

        assert (reply.status, reply.json()["code"]) == (400, "event_unknown")

    async def test_that_hold_what_postgresql_cannot_keep_are_refused(
        self, service: Callers
    ) -> None:
        broken = event()
        broken.envelope.payload["text"] = "nul \x00"

        reply = await service.workers("POST", "/events", recording(broken))

        assert (reply.status, reply.json()["code"]) == (400, "value_refused")

    async def test_of_an_aggregate_rise_in_the_order_of_commit(
        self, commands: CommandRepository, database: Database
    ) -> None:
        aggregate = uuid4()
        early, late = event(aggregate_id=aggregate), event(aggregate_id=aggregate)
        holding, commit = asyncio.Event(), asyncio.Event()

        async def slow(_: object) -> Nothing:
            holding.set()
            await commit.wait()
            return Nothing()

        first = asyncio.create_task(commands.execute("slow", recording(early), 201, slow))
        await holding.wait()
        second = asyncio.create_task(commands.record_events(recording(late)))
        await until_found(database, "SELECT pid FROM pg_locks WHERE NOT granted")
        assert not second.done()
        commit.set()
        await asyncio.gather(first, second)

        rows = await database.rows("SELECT event_id FROM events ORDER BY position")
        assert [row["event_id"] for row in rows] == [
            early.envelope.event_id,
            late.envelope.event_id,
        ]


class TestExecute:
    async def test_refuses_unknown_events_before_it_writes(
        self, commands: CommandRepository
    ) -> None:
        with pytest.raises(InvalidRequest):
            await commands.record_events(recording(event("user.vanished")))

    async def test_tells_commands_apart_by_their_events(self, commands: CommandRepository) -> None:
        command = recording(event())
        await commands.record_events(command)

        with pytest.raises(Conflict):
            await commands.execute(
                "record_events",
                command.model_copy(update={"events": [], "data": Nothing()}),
                201,
                succeed,
            )
