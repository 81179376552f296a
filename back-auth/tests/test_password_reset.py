"""A forgotten password: who gets a mail, and what the token of one does."""

from datetime import timedelta
from uuid import UUID

import pytest

from shared.models.base import now
from shared.testing.asgi_client import AsgiReply
from tests.conftest import EMAIL, PASSWORD, Stack, bearer

NEW = "another password of Ada"
NOBODY = "nobody@example.org"


async def request(stack: Stack, email: str = EMAIL, *, network: str = "192.0.2.1") -> AsgiReply:
    headers = {"X-Real-IP": network}
    return await stack.client.post("/auth/password-reset", json={"email": email}, headers=headers)


async def confirm(
    stack: Stack, token: str, password: str = NEW, *, network: str = "192.0.2.1"
) -> AsgiReply:
    body = {"token": token, "password": password}
    headers = {"X-Real-IP": network}
    return await stack.client.post("/auth/password-reset/confirm", json=body, headers=headers)


def refusal(reply: AsgiReply) -> tuple[int, object]:
    return reply.status, reply.json()["code"]


class TestRequest:
    async def test_leaves_the_event_of_which_a_mail_is_made(self, stack: Stack) -> None:
        user = await stack.add_user()
        reply = await request(stack)
        assert (reply.status, reply.json()) == (202, {"status": "accepted"})
        [event] = stack.postgres.published("auth.password_reset.requested")
        assert event.payload["user_id"] == str(user.id)
        assert event.payload["network"] == "192.0.2.1"

    @pytest.mark.parametrize("suspended", [False, True])
    async def test_an_address_without_an_active_account_gets_the_same_answer(
        self, stack: Stack, *, suspended: bool
    ) -> None:
        user = await stack.add_user(status="suspended" if suspended else "active")
        known, other = await request(stack), await request(stack, NOBODY)
        assert (known.status, known.body) == (other.status, other.body)
        events = stack.postgres.published("auth.password_reset.requested")
        assert len(events) == 2
        ids = [UUID(str(event.payload["user_id"])) for event in events]
        assert (user.id in ids) is not suspended

    @pytest.mark.parametrize("email", [EMAIL, NOBODY])
    async def test_an_address_has_three_an_hour_from_a_network(
        self, stack: Stack, email: str
    ) -> None:
        await stack.add_user()
        for _ in range(3):
            assert (await request(stack, email)).status == 202
        refused = await request(stack, email)
        assert refusal(refused) == (429, "too_many_requests")
        assert int(refused.headers["retry-after"]) > 0
        assert (await request(stack, email, network="198.51.100.7")).status == 202

    async def test_an_address_has_twenty_an_hour(self, stack: Stack) -> None:
        for number in range(20):
            assert (await request(stack, network=f"192.0.2.{number + 1}")).status == 202
        assert (await request(stack, network="198.51.100.7")).status == 429


class TestConfirm:
    async def test_the_new_password_is_the_only_one(self, stack: Stack) -> None:
        user = await stack.add_user()
        token = await stack.mint(user.id, "reset_password")
        assert (await confirm(stack, token)).status == 204
        assert (await stack.log_in()).status == 401
        assert (await stack.log_in(password=NEW)).status == 200

    async def test_all_sessions_end(self, stack: Stack) -> None:
        user = await stack.add_user()
        _, refresh = await stack.tokens()
        token = await stack.mint(user.id, "reset_password")
        assert (await confirm(stack, token)).status == 204
        assert (await stack.refresh(refresh)).status == 401
        assert stack.redis.generations[user.id] == 2

    async def test_leaves_the_events_of_one_transaction(self, stack: Stack) -> None:
        user = await stack.add_user()
        await confirm(stack, await stack.mint(user.id, "reset_password"))
        [changed] = stack.postgres.published("user.password.changed")
        assert changed.payload["user_id"] == str(user.id)
        assert changed.payload["network"] == "192.0.2.1"
        [revoked] = stack.postgres.published("auth.sessions.revoked")
        assert revoked.payload == {
            "user_id": str(user.id),
            "session_generation": 2,
            "kept_sid": None,
        }

    async def test_forgets_the_failed_logins_from_there(self, stack: Stack) -> None:
        user = await stack.add_user()
        for _ in range(10):
            await stack.log_in(password="a wrong password")
        assert (await stack.log_in()).status == 429
        await confirm(stack, await stack.mint(user.id, "reset_password"))
        assert (await stack.log_in(password=NEW)).status == 200

    async def test_works_once_and_voids_the_others(self, stack: Stack) -> None:
        user = await stack.add_user()
        first, second = [await stack.mint(user.id, "reset_password") for _ in range(2)]
        assert (await confirm(stack, first)).status == 204
        for token in (first, second):
            assert refusal(await confirm(stack, token)) == (400, "reset_token_invalid")

    async def test_a_changed_password_voids_them_too(self, stack: Stack) -> None:
        user = await stack.add_user()
        token = await stack.mint(user.id, "reset_password")
        access, _ = await stack.tokens()
        body = {"current": PASSWORD, "new": NEW}
        await stack.client.post("/auth/password", json=body, headers=bearer(access))
        assert refusal(await confirm(stack, token)) == (400, "reset_token_invalid")

    async def test_ends_after_an_hour(self, stack: Stack) -> None:
        user = await stack.add_user()
        token = await stack.mint(user.id, "reset_password")
        [stored] = stack.postgres.mail_tokens.values()
        assert abs(stored.expires_at - now() - timedelta(hours=1)) < timedelta(seconds=10)
        past = stored.model_copy(update={"expires_at": now()})
        stack.postgres.mail_tokens[stored.token_hash] = past
        assert refusal(await confirm(stack, token)) == (400, "reset_token_expired")

    async def test_may_be_tried_ten_times(self, stack: Stack) -> None:
        user = await stack.add_user()
        token = await stack.mint(user.id, "reset_password")
        stack.postgres.change(user, status="suspended")
        for _ in range(10):
            assert refusal(await confirm(stack, token)) == (400, "reset_token_invalid")
        stack.postgres.change(user, status="active")
        assert refusal(await confirm(stack, token)) == (400, "reset_token_exhausted")

    async def test_a_token_that_confirms_an_address_resets_nothing(self, stack: Stack) -> None:
        token = await stack.mint(await stack.add_registration())
        assert refusal(await confirm(stack, token)) == (400, "reset_token_invalid")

    async def test_a_user_who_is_gone_has_no_password(self, stack: Stack) -> None:
        user = await stack.add_user()
        token = await stack.mint(user.id, "reset_password")
        del stack.postgres.users[user.id]
        assert refusal(await confirm(stack, token)) == (400, "reset_token_invalid")

    async def test_a_password_has_to_be_a_good_one(self, stack: Stack) -> None:
        user = await stack.add_user()
        token = await stack.mint(user.id, "reset_password")
        assert (await confirm(stack, token, "short")).status == 422
        assert (await confirm(stack, token)).status == 204

    async def test_a_change_meanwhile_is_a_conflict(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = await stack.add_user()
        token = await stack.mint(user.id, "reset_password")
        hashed = await stack.hash_of(NEW)

        async def changed_meanwhile(_: object, __: str) -> str:
            stack.postgres.users[user.id] = user.model_copy(update={"version": 2})
            return hashed

        monkeypatch.setattr("services.password_service.PasswordService.hash", changed_meanwhile)
        assert refusal(await confirm(stack, token)) == (409, "account_changed")

    async def test_the_sessions_end_by_the_event_while_back_redis_is_out(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = await stack.add_user()
        token = await stack.mint(user.id, "reset_password")

        async def down(_: object, __: object) -> None:
            stack.redis.down = True
            stack.redis.reach()

        monkeypatch.setattr("tests.fakes.FakeSessions.revoke_generations", down)
        reply = await confirm(stack, token)
        stack.redis.down = False
        assert reply.status == 204
        assert len(stack.postgres.published("auth.sessions.revoked")) == 1


class TestMint:
    async def test_needs_a_user(self, stack: Stack) -> None:
        registration = await stack.add_registration()
        reply = await stack.client.post(
            "/internal/mail-tokens",
            json={"user_id": str(registration), "purpose": "reset_password"},
            headers=stack.keys.assertion(caller="back-workers", to="back-auth"),
        )
        assert refusal(reply) == (404, "user_not_found")
