"""The latency of mails and live events, measured through the gateway."""

import asyncio
import json

from tests.stack import Mailbox, Visitor

MAIL_SECONDS = 2
LIVE_SECONDS = 1
PROFILE = {"first_name": "Ada", "last_name": "Lovelace", "timezone": "Europe/London"}


async def test_a_mail_comes_within_two_seconds(visitor: Visitor, mailbox: Mailbox) -> None:
    await visitor.register()
    await mailbox.first_to(visitor.email, within=MAIL_SECONDS)


async def test_a_live_event_comes_within_a_second(user: Visitor) -> None:
    async with user.socket() as socket:
        created = await user.post("/api/profile", PROFILE)
        assert created.status_code == 201
        async with asyncio.timeout(LIVE_SECONDS):
            envelope = json.loads(await socket.recv())
    assert envelope["event_type"] == "profile.created"
