"""An event that its consumer refuses: dead, listed, shown and replayed; nothing waits for it."""

import asyncio
import json
import os
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from shared.kit.auth.service_identity import AssertionSigner
from shared.kit.http.client import ServiceClient
from shared.kit.http.transport import HttpTransport
from shared.models.base import now
from shared.models.event import Command, EventEnvelope, NewEvent, Nothing, Recorded
from tests.stack import Visitor, until

ROOT = Path(__file__).parents[2]
SECRETS = os.environ.get("TEST_SECRETS_ROOT")
OFFSET = int(os.environ.get("DEV_PORT_OFFSET", "0"))

pytestmark = pytest.mark.skipif(not SECRETS, reason="the keys of a local stack are needed")

Item = dict[str, object]


async def events(*words: str) -> str:
    """What `./dev events` prints."""
    argv = [sys.executable, str(ROOT / "dev"), "events", *words]
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def listed(admin: Visitor, **asked: str) -> list[Item]:
    reply = await admin.get("/api/admin/events", **asked)
    assert reply.status_code == 200
    items = reply.json()["items"]
    assert isinstance(items, list)
    return items


async def state_of(admin: Visitor, event: NewEvent, consumer: str) -> tuple[str, Item] | None:
    for item in await listed(admin, consumer=consumer, limit="200"):
        if item["event_id"] == str(event.envelope.event_id):
            return str(item["state"]), item
    return None


def updated(profile_id: UUID, **payload: object) -> NewEvent:
    envelope = EventEnvelope.model_validate(
        {
            "event_id": uuid4(),
            "event_type": "profile.updated",
            "occurred_at": now(),
            "correlation_id": "a-test-of-dead-letters",
            "payload": {"profile_id": str(profile_id), "completion": 40, "changed": []} | payload,
        }
    )
    return NewEvent(aggregate_id=profile_id, envelope=envelope)


async def record(*new: NewEvent) -> None:
    pem = (Path(str(SECRETS)) / "back-api" / "identity.key").read_text()
    transport = HttpTransport(f"http://127.0.0.1:{8103 + OFFSET}")
    signer = AssertionSigner.from_pem("back-api", pem)
    command = Command[Nothing](command_id=uuid4(), data=Nothing(), events=list(new))
    async with ServiceClient("back-api", "back-postgres", transport, signer) as postgres:
        await postgres.post("/events", command, response_model=Recorded)


async def test_a_poison_event_is_dead_shown_and_replayed(admin: Visitor) -> None:
    me = (await admin.get("/api/users/me")).json()
    profile_id = uuid4()
    poison = updated(profile_id, email="ada@example.org", new_password="p")
    good = updated(profile_id, user_id=me["id"])
    await record(poison, good)

    async def settled() -> tuple[Item, str] | None:
        dead, behind = [await state_of(admin, it, "live") for it in (poison, good)]
        return (dead[1], behind[0]) if dead and behind and dead[0] == "dead" else None

    dead, _ = await until(settled, within=40)

    async def passed() -> bool | None:
        found = [await state_of(admin, *it) for it in ((good, "live"), (poison, "audit"))]
        return all(it and it[0] == "done" for it in found) or None

    assert await until(passed, within=40), "nothing waits for the poison event"
    delivery_id = str(dead["delivery_id"])
    assert dead["last_error"] == "the payload names no user_id"
    assert delivery_id in await events("dead", "--consumer", "live")
    shown = json.loads(await events("show", delivery_id))
    assert shown["payload"]["email"] == "a…@example.org"
    assert shown["payload"]["new_password"] == "(hidden)"
    health = (await admin.http.get("/health")).json()
    assert {it["consumer"] for it in health["backlog"]} >= {"audit", "live", "mail"}

    assert await events("replay", delivery_id) == "1 delivery is pending again.\n"

    async def dead_again() -> Item | None:
        found = await state_of(admin, poison, "live")
        return found[1] if found and found[0] == "dead" else None

    again = await until(dead_again, within=40)
    assert (again["delivery_id"], again["attempts"]) == (delivery_id, 1)
    headers = admin.bearer | {"Idempotency-Key": str(uuid4())}
    path = f"/api/admin/events/{delivery_id}/replay"
    replies = [await admin.http.post(path, headers=headers) for _ in range(2)]
    assert [(it.status_code, it.json()) for it in replies] == 2 * [(202, {"replayed": 1})]

    async def audited() -> list[Item] | None:
        log = (await admin.get("/api/admin/audit", limit="200")).json()["items"]
        found = [
            it["payload"]
            for it in log
            if it["event_type"] == "delivery.replayed"
            and it["payload"]["delivery_id"] == delivery_id
        ]
        return found if len(found) == 2 else None

    by_admin, by_operator = await until(audited, within=40)
    assert by_admin["actor_id"] == me["id"]
    assert "@" in str(by_operator["operator"])
