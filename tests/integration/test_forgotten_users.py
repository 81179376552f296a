"""What is left of a user who deleted the account, in every store of a running stack.

Each store is searched by its own driver, in the environment of the service that owns it.
"""

import asyncio
import csv
import io
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.stack import PASSWORD, TLS, Visitor, until

ROOT = Path(__file__).parents[2]
SECRETS = os.environ.get("TEST_SECRETS_ROOT")
OFFSET = int(os.environ.get("DEV_PORT_OFFSET", "0"))

pytestmark = pytest.mark.skipif(not SECRETS, reason="the keys of a local stack are needed")

POSTGRES = """
import asyncio, asyncpg, json, sys
async def main(port, user, password, wanted):
    db = await asyncpg.connect(host="127.0.0.1", port=port, user=user, password=password,
                               database="tools")
    tables = await db.fetch("SELECT relname FROM pg_class WHERE relkind = 'r'"
                            " AND relnamespace = 'public'::regnamespace")
    found = {text: [] for text in wanted}
    for (name,) in tables:
        for text in wanted:
            row = f"SELECT 1 FROM {name} AS it WHERE strpos(it::text, $1) > 0 LIMIT 1"
            if await db.fetch(row, text):
                found[text].append(name)
    print(json.dumps(found))
asyncio.run(main(*json.loads(sys.argv[1])))
"""

VALKEY = """
import json, redis, sys
port, user, password, wanted = json.loads(sys.argv[1])
db = redis.Redis(port=port, username=user, password=password, decode_responses=True)
read = {"string": db.get, "hash": db.hgetall, "stream": db.xrange, "set": db.smembers,
        "zset": lambda key: db.zrange(key, 0, -1), "list": lambda key: db.lrange(key, 0, -1)}
found = {text: [] for text in wanted}
for key in db.scan_iter(count=1000):
    kind = db.type(key)
    content = key + repr(read[kind](key)) if kind in read else key
    for text in wanted:
        if text in content:
            found[text].append(key)
print(json.dumps(found))
"""

CASSANDRA = """
import json, sys
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import Cluster
port, user, password, wanted = json.loads(sys.argv[1])
cluster = Cluster(["127.0.0.1"], port=port, auth_provider=PlainTextAuthProvider(user, password))
session = cluster.connect("tools")
found = {text: [] for text in wanted}
for name in cluster.metadata.keyspaces["tools"].tables:
    rows = [row[0] for row in session.execute(f"SELECT JSON * FROM {name}")]
    for text in wanted:
        if any(text in row for row in rows):
            found[text].append(name)
print(json.dumps(found))
cluster.shutdown()
"""


@dataclass(frozen=True)
class Store:
    """An engine of the stack: its owner, its port, who logs in, and what searches it."""

    owner: str
    port: int
    user: str
    secret: str
    program: str

    async def places_of(self, wanted: Sequence[str]) -> dict[str, list[str]]:
        """Where each text is: names of tables, or keys."""
        password = (Path(str(SECRETS)) / self.owner / self.secret).read_text().strip()
        python = ROOT / ".run" / "venvs" / self.owner / "bin" / "python"
        asked = json.dumps([self.port + OFFSET, self.user, password, list(wanted)])
        process = await asyncio.create_subprocess_exec(
            str(python), "-c", self.program, asked, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        assert process.returncode == 0
        found: dict[str, list[str]] = json.loads(output)
        return found


STORES = (
    Store("back-postgres", 8143, "tools", "postgres.password", POSTGRES),
    Store("back-cassandra", 8144, "tools", "cassandra.password", CASSANDRA),
    Store("back-redis", 8146, "back-redis", "valkey.password", VALKEY),
    Store("back-workers", 8147, "back-workers", "broker.password", VALKEY),
)


def kept(user_id: str) -> frozenset[str]:
    """Where the id of a deleted user may be left: it says nothing of a person any more."""
    audit = {"audit_by_day", "audit_by_user", "audit_forgotten"}
    outbox = {"commands", "deliveries", "events"}
    streams = {"stream:live", "stream:revocations", f"stream:live:{user_id}"}
    return frozenset({*audit, *outbox, *streams, f"generation:{user_id}"})


async def searched(wanted: Mapping[str, str]) -> dict[str, set[str]]:
    """Where each text is, in all stores, by the name of the text."""
    found: dict[str, set[str]] = {name: set() for name in wanted}
    for store in STORES:
        places = await store.places_of(list(wanted.values()))
        for name, text in wanted.items():
            found[name] |= {it for it in places[text] if not it.startswith("session:")}
    return found


async def used(admin: Visitor, user: Visitor, first_name: str, title: str) -> str:
    """Leave something of the user in every store; the id of an export with the user."""
    me = (await user.get("/api/users/me")).json()["id"]
    profile = {"first_name": first_name, "last_name": "L", "language": "en", "timezone": "UTC"}
    key = {"Idempotency-Key": secrets.token_hex(8)}
    await user.http.post("/api/profile", json=profile, headers=user.bearer | key)
    await admin.post(f"/api/admin/users/{me}/notify", {"title": title, "body": title})
    tool = {
        "name": f"Tool {secrets.token_hex(4)}",
        "summary": "s",
        "category": "c",
        "url": "https://example.com",
        "access": "all",
    }
    tool_id = (await admin.post("/api/admin/tools", tool)).json()["id"]
    favourite = f"/api/tools/{tool_id}/favourite"
    assert (await user.http.put(favourite, headers=user.bearer)).status_code == 204
    assert (await user.post(f"/api/tools/{tool_id}/launch")).status_code == 201
    task_id: str = (await admin.post("/api/admin/exports/users")).json()["id"]

    async def arrived() -> bool | None:
        items = (await user.get("/api/notifications")).json()["items"]
        task = (await admin.get(f"/api/tasks/{task_id}")).json()
        recent = (await user.get("/api/tools/recent")).json()["items"]
        told = title in [it["title"] for it in items]
        return True if told and recent and task["status"] == "succeeded" else None

    await until(arrived, within=40)
    return task_id


async def exported(admin: Visitor, task_id: str) -> str:
    link = (await admin.post(f"/api/exports/{task_id}/link")).json()["url"]
    async with httpx.AsyncClient(base_url=admin.base_url, timeout=60, verify=TLS) as browser:
        return (await browser.get(urlsplit(link).path)).content.decode("utf-8-sig")


async def test_no_store_has_more_than_the_id_a_minute_later(admin: Visitor, user: Visitor) -> None:
    user_id = str((await user.get("/api/users/me")).json()["id"])
    first_name, title = f"Name-{secrets.token_hex(8)}", f"Title-{secrets.token_hex(8)}"
    task_id = await used(admin, user, first_name, title)
    wanted = {"address": user.email, "name": first_name, "title": title, "id": user_id}
    before = await searched(wanted)
    assert before["address"]
    assert {"profiles", "favourites", "timeline", "launches"} <= before["name"] | before["id"] | (
        before["title"]
    ), "the search finds what there is"

    deleted = await user.delete("/api/users/me", {"password": PASSWORD})
    assert deleted.status_code == 202

    async def forgotten() -> bool | None:
        found = await searched(wanted)
        traces = found["address"] | found["name"] | found["title"]
        return None if traces or found["id"] - kept(user_id) else True

    try:
        await until(forgotten, within=60)
    except TimeoutError:
        pytest.fail(f"left: {await searched(wanted)}")
    rows = list(csv.DictReader(io.StringIO(await exported(admin, task_id))))
    assert rows
    assert user.email not in {row["email"] for row in rows}
