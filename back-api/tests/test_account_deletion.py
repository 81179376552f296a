"""`DELETE /api/users/me`."""

from uuid import UUID, uuid4

from stub_services import StubServices

from shared.models.account import LAST_GENERATION
from shared.models.user import User
from shared.testing.asgi_client import AsgiClient, AsgiReply

PASSWORD = "correct horse battery staple"


async def delete(
    api: AsgiClient, stubs: StubServices, user_id: UUID, password: str = PASSWORD
) -> AsgiReply:
    return await api.request(
        "DELETE", "/api/users/me", json={"password": password}, headers=stubs.bearer(user_id)
    )


def refusal(reply: AsgiReply) -> tuple[int, object]:
    return reply.status, reply.json()["code"]


async def test_removes_the_user_and_ends_all_sessions_for_good(
    api: AsgiClient, stubs: StubServices, user_id: UUID
) -> None:
    reply = await delete(api, stubs, user_id)
    assert (reply.status, reply.json()) == (202, {"user_id": str(user_id), "status": "deleting"})
    assert user_id not in stubs.users.users
    deleted, revoked = (it.envelope for it in stubs.users.events)
    assert (deleted.event_type, deleted.payload) == ("user.deleted", {"user_id": str(user_id)})
    assert revoked.event_type == "user.sessions.revoked"
    assert revoked.payload["session_generation"] == LAST_GENERATION
    assert {it.aggregate_id for it in stubs.users.events} == {user_id}


async def test_a_wrong_password_removes_nobody(
    api: AsgiClient, stubs: StubServices, user_id: UUID
) -> None:
    stubs.passwords.passwords[user_id] = PASSWORD
    assert refusal(await delete(api, stubs, user_id, "a wrong one")) == (403, "wrong_password")
    stubs.passwords.closed = True
    assert refusal(await delete(api, stubs, user_id)) == (429, "too_many_requests")
    assert user_id in stubs.users.users


async def test_an_admin_is_left(api: AsgiClient, stubs: StubServices, user: User) -> None:
    admin = user.model_copy(update={"role": "admin"})
    stubs.users.users[user.id] = admin
    assert refusal(await delete(api, stubs, user.id)) == (422, "last_admin")
    other = admin.model_copy(update={"id": uuid4(), "email": "grace@example.org"})
    stubs.users.users[other.id] = other
    assert (await delete(api, stubs, user.id)).status == 202


async def test_a_repeat_finds_nobody(api: AsgiClient, stubs: StubServices, user_id: UUID) -> None:
    assert (await delete(api, stubs, user_id)).status == 202
    stubs.passwords.gone.add(user_id)
    assert refusal(await delete(api, stubs, user_id)) == (401, "account_gone")


async def test_asks_for_the_password(api: AsgiClient, stubs: StubServices, user_id: UUID) -> None:
    bearer = stubs.bearer(user_id)
    reply = await api.request("DELETE", "/api/users/me", json={}, headers=bearer)
    assert refusal(reply) == (422, "validation_failed")
