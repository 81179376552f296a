"""`./dev reconcile` finds a wrong unread count of a running stack, and mends it."""

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
from shared.models.notification import UnreadCount, UnreadItem, UnreadItems
from tests.stack import Visitor, until

ROOT = Path(__file__).parents[2]
SECRETS = os.environ.get("TEST_SECRETS_ROOT")
OFFSET = int(os.environ.get("DEV_PORT_OFFSET", "0"))

pytestmark = pytest.mark.skipif(not SECRETS, reason="the keys of a local stack are needed")


async def reconcile(user_id: UUID, *words: str) -> tuple[int, list[dict[str, object]]]:
    """The exit code, and what disagreed of the user."""
    argv = [sys.executable, str(ROOT / "dev"), "reconcile", "--json", *words]
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    found = json.loads(output)["disagreements"]
    return process.returncode or 0, [it for it in found if it["user_id"] == str(user_id)]


async def lose_the_count(user_id: UUID) -> None:
    """Replace the unread count of a user by that of one other notification."""
    pem = (Path(str(SECRETS)) / "back-api" / "identity.key").read_text()
    transport = HttpTransport(f"http://127.0.0.1:{8106 + OFFSET}")
    signer = AssertionSigner.from_pem("back-api", pem)
    items = [UnreadItem(id=uuid4(), created_at=now()) for _ in range(9)]
    async with ServiceClient("back-api", "back-redis", transport, signer) as redis:
        wrong = UnreadItems(items=items, complete=True)
        await redis.put(f"/users/{user_id}/unread", wrong, response_model=UnreadCount)


async def test_a_wrong_count_is_found_and_mended(admin: Visitor, user: Visitor) -> None:
    user_id = UUID((await user.get("/api/users/me")).json()["id"])
    body = {"title": "Maintenance", "body": "Tonight"}
    notified = await admin.post(f"/api/admin/users/{user_id}/notify", body)
    assert notified.status_code == 202

    async def arrived() -> bool | None:
        items = (await user.get("/api/notifications")).json()["items"]
        return notified.json()["event_id"] in [it["id"] for it in items] or None

    await until(arrived, within=40)
    before = (await user.get("/api/notifications/unread-count")).json()
    await lose_the_count(user_id)
    code, found = await reconcile(user_id, "--dry-run")
    assert (code, [(it["what"], it["mended"]) for it in found]) == (1, [("count", False)])
    _, found = await reconcile(user_id)
    assert [(it["what"], it["mended"]) for it in found] == [("count", True)]
    _, found = await reconcile(user_id, "--dry-run")
    assert found == []
    assert (await user.get("/api/notifications/unread-count")).json() == before
