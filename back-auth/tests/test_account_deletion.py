"""The password that back-api asks for before it deletes an account."""

from uuid import UUID, uuid4

from shared.testing.asgi_client import AsgiReply
from tests.conftest import PASSWORD, Stack


async def check(stack: Stack, user_id: UUID, password: str = PASSWORD) -> AsgiReply:
    return await stack.client.post(
        "/internal/password-checks",
        json={
            "user_id": str(user_id),
            "password": password,
            "network": "192.0.2.1",
            "device": "a browser",
        },
        headers=stack.keys.assertion(caller="back-api", to="back-auth"),
    )


async def test_tells_whether_it_is_the_password(stack: Stack) -> None:
    user = await stack.add_user()
    replies = [await check(stack, user.id), await check(stack, user.id, "a wrong password")]
    assert [it.json() for it in replies] == [{"matches": True}, {"matches": False}]


async def test_a_wrong_one_counts_as_a_failed_login(stack: Stack) -> None:
    user = await stack.add_user()
    for _ in range(10):
        assert (await check(stack, user.id, "a wrong password")).json() == {"matches": False}
    refused = await check(stack, user.id)
    assert (refused.status, refused.json()["code"]) == (429, "too_many_requests")
    failed = stack.redis.published("auth.login.failed")
    assert {it.payload["network"] for it in failed} == {"192.0.2.1"}
    assert len(failed) == 10


async def test_nobody_has_none(stack: Stack) -> None:
    reply = await check(stack, uuid4())
    assert (reply.status, reply.json()["code"]) == (404, "user_not_found")


async def test_only_back_api_may_ask(stack: Stack) -> None:
    reply = await stack.client.post("/internal/password-checks", json={})
    assert reply.status == 401
