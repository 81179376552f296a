"""A changed password: who may change it, and what ends."""

import pytest

from shared.testing.asgi_client import AsgiReply
from tests.conftest import EMAIL, PASSWORD, Stack, bearer

NEW = "another password of Ada"


async def change(
    stack: Stack, access: str, current: str = PASSWORD, new: str = NEW, network: str = "192.0.2.1"
) -> AsgiReply:
    headers = bearer(access) | {"X-Real-IP": network}
    body = {"current": current, "new": new}
    return await stack.client.post("/auth/password", json=body, headers=headers)


class TestChange:
    async def test_the_new_password_is_the_only_one(self, stack: Stack) -> None:
        await stack.add_user()
        access, _ = await stack.tokens()
        assert (await change(stack, access)).status == 204
        assert (await stack.log_in()).status == 401
        assert (await stack.log_in(password=NEW)).status == 200

    async def test_all_other_sessions_end_and_this_one_is_refreshed(self, stack: Stack) -> None:
        await stack.add_user()
        access, refresh = await stack.tokens()
        _, other = await stack.tokens()
        assert (await change(stack, access)).status == 204
        assert (await stack.refresh(other)).status == 401
        refreshed = await stack.refresh(refresh)
        assert refreshed.status == 200
        token = str(refreshed.json()["access_token"])
        reply = await stack.client.get("/auth/sessions", headers=bearer(token))
        assert reply.status == 200

    async def test_leaves_the_events_of_one_transaction(self, stack: Stack) -> None:
        user = await stack.add_user()
        access, refresh = await stack.tokens()
        await change(stack, access)
        [changed] = stack.postgres.published("user.password.changed")
        assert changed.payload["user_id"] == str(user.id)
        assert changed.payload["network"] == "192.0.2.1"
        [revoked] = stack.postgres.published("auth.sessions.revoked")
        assert revoked.payload == {
            "user_id": str(user.id),
            "session_generation": 2,
            "kept_sid": refresh.partition(".")[0],
        }

    async def test_device_tokens_end(self, stack: Stack) -> None:
        await stack.add_user()
        first = (await stack.log_in()).json()
        await change(stack, str(first["access_token"]))
        device_token = str(first["device_token"])
        again = await stack.log_in(password=NEW, device_token=device_token)
        assert again.json()["device_token"] != device_token

    async def test_the_sessions_end_by_the_event_while_back_redis_is_out(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await stack.add_user()
        access, _ = await stack.tokens()

        async def down(_: object, __: object) -> None:
            stack.redis.down = True
            stack.redis.reach()

        monkeypatch.setattr("tests.fakes.FakeSessions.revoke_generations", down)
        assert (await change(stack, access)).status == 204
        stack.redis.down = False
        assert len(stack.postgres.published("auth.sessions.revoked")) == 1


class TestRefusals:
    async def test_a_wrong_password_counts_as_a_failed_login(self, stack: Stack) -> None:
        await stack.add_user()
        access, _ = await stack.tokens()
        for _ in range(10):
            reply = await change(stack, access, current="a wrong password")
            assert (reply.status, reply.json()["code"]) == (403, "wrong_password")
        assert len(stack.redis.published("auth.login.failed")) == 10
        assert (await change(stack, access)).status == 429
        assert (await stack.log_in()).status == 429, "they share the buckets"
        assert (await change(stack, access, network="198.51.100.7")).status == 204

    async def test_a_new_password_has_to_be_a_good_one(self, stack: Stack) -> None:
        await stack.add_user()
        access, _ = await stack.tokens()
        assert (await change(stack, access, new="short")).status == 422
        assert (await stack.log_in(EMAIL)).status == 200

    async def test_a_change_meanwhile_is_a_conflict(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = await stack.add_user()
        access, _ = await stack.tokens()
        found = stack.postgres.users[user.id]
        hashed = await stack.hash_of(NEW)

        async def changed_meanwhile(_: object, __: str) -> str:
            stack.postgres.users[user.id] = found.model_copy(update={"version": 2})
            return hashed

        monkeypatch.setattr("services.password_service.PasswordService.hash", changed_meanwhile)
        reply = await change(stack, access)
        assert (reply.status, reply.json()["code"]) == (409, "account_changed")
