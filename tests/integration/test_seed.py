"""`./dev seed` fills a running stack; a second run changes nothing."""

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.stack import Visitor, until

ROOT = Path(__file__).parents[2]
DEMO = yaml.safe_load((ROOT / "devtools" / "stack" / "demo.yaml").read_text())
LOCAL = os.environ.get("TEST_SECRETS_ROOT")

pytestmark = pytest.mark.skipif(not LOCAL, reason="a stack of this machine is needed")

Item = dict[str, object]


@dataclass(frozen=True)
class Seen:
    """What a run leaves: tools and failures, and what is one user's."""

    tools: dict[str, Item]
    dead: list[str]
    favourites: list[str]
    recent: list[str]
    notifications: list[str]


async def seed() -> str:
    """What `./dev seed` prints."""
    argv = [sys.executable, str(ROOT / "dev"), "seed"]
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def items(visitor: Visitor, path: str, **query: str) -> list[Item]:
    reply = await visitor.get(path, limit=50, **query)
    assert reply.status_code == 200, reply.text
    found: list[Item] = reply.json()["items"]
    return found


async def seen(admin: Visitor, user: Visitor) -> Seen:
    dead = await items(admin, "/api/admin/events", state="dead", type="user.registered")
    return Seen(
        tools={str(it["name"]): it for it in await items(admin, "/api/admin/tools")},
        dead=[str(it["event_id"]) for it in dead],
        favourites=[str(it["name"]) for it in await items(user, "/api/tools", favourite="true")],
        recent=[str(it["name"]) for it in await items(user, "/api/tools/recent")],
        notifications=[str(it["id"]) for it in await items(user, "/api/notifications")],
    )


@pytest.mark.timeout(180)  # each of the two runs starts ./dev, logs in six times and more
async def test_a_second_run_changes_nothing(visitors: Callable[..., Visitor]) -> None:
    said = await seed()
    person = DEMO["people"][0]
    for email in (DEMO["admin"], *(it["email"] for it in DEMO["people"])):
        assert email in said
    admin, user = visitors(DEMO["admin"]), visitors(person["email"])
    for visitor in (admin, user):
        assert (await visitor.log_in(DEMO["password"])).status_code == 200

    last = list(dict.fromkeys(reversed(person["launches"])))
    notified = len(person["notifications"]) + 2  # the welcome, and that of the profile

    async def whole() -> Seen | None:
        found = await seen(admin, user)
        arrived = found.recent == last and len(found.notifications) == notified and found.dead
        return found if arrived else None

    first = await until(whole, within=40)
    assert {it["name"] for it in DEMO["tools"]} <= set(first.tools)
    assert set(first.favourites) == set(person["favourites"])
    await seed()
    assert await seen(admin, user) == first
