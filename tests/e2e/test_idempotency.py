"""Writes that are repeated under one Idempotency-Key, through the gateway."""

import asyncio
from uuid import uuid4

import httpx

from tests.stack import Visitor, code_of

PROFILE = {"first_name": "Ada", "last_name": "Lovelace"}


async def create(user: Visitor, key: str, body: dict[str, str] = PROFILE) -> httpx.Response:
    headers = {"Authorization": f"Bearer {user.access_token}", "Idempotency-Key": key}
    reply = await user.http.post("/api/profile", json=body, headers=headers)
    if "Retry-After" in reply.headers:
        assert code_of(reply) in {"request_in_progress", "overloaded"}
        await asyncio.sleep(float(reply.headers["Retry-After"]))  # noqa: TID251 - as it asks
        reply = await user.http.post("/api/profile", json=body, headers=headers)
    return reply


async def test_fifty_at_once_create_one_profile(user: Visitor) -> None:
    key = str(uuid4())
    replies = await asyncio.gather(*(create(user, key) for _ in range(50)))
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.content for reply in replies}) == 1
    first = [reply for reply in replies if "Idempotent-Replayed" not in reply.headers]
    assert len(first) == 1
    again = await create(user, f'"{key}"')
    assert (again.status_code, again.content) == (201, first[0].content)
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_another_body_or_key_is_another_request(user: Visitor) -> None:
    assert (await create(user, "first")).status_code == 201
    reused = await create(user, "first", PROFILE | {"company": "Analytical"})
    assert (reused.status_code, code_of(reused)) == (422, "idempotency_key_reused")
    other = await create(user, "second")
    assert (other.status_code, code_of(other)) == (409, "profile_exists")
    again = await create(user, "second")
    assert (again.status_code, again.content) == (409, other.content)
    assert (await create(user, "a b")).status_code == 400
