import asyncio
from datetime import timedelta
from uuid import uuid4

from database import Database
from shared.models.auth import StoredMailToken
from shared.models.event import Command
from shared.models.user import UserChange
from tests.builders import event, mail_token, registered, using
from tests.callers import Callers


class TestStore:
    async def test_is_found_by_its_hash(self, service: Callers) -> None:
        token = mail_token((await registered(service)).user_id)

        stored = await service.auth("POST", "/mail-tokens", token)
        again = await service.auth("POST", "/mail-tokens", token)
        found = await service.auth(
            "POST",
            "/mail-tokens/lookup",
            {"token_hash": token.token_hash, "purpose": "verify_email"},
        )

        assert (stored.status, again.status, found.status) == (201, 201, 200)
        assert stored.body == again.body == found.body
        assert found.json()["used_at"] is None

    async def test_the_same_one_again_may_end_later_and_never_earlier(
        self, service: Callers
    ) -> None:
        token = mail_token((await registered(service)).user_id)
        later = token.model_copy(update={"expires_at": token.expires_at + timedelta(hours=1)})

        replies = [await service.auth("POST", "/mail-tokens", it) for it in (token, later, token)]

        ends = [StoredMailToken.model_validate(reply.json()).expires_at for reply in replies]
        assert ends == [token.expires_at, later.expires_at, later.expires_at]

    async def test_a_hash_stands_once(self, service: Callers) -> None:
        token = mail_token((await registered(service)).user_id)
        await service.auth("POST", "/mail-tokens", token)
        other = token.model_copy(update={"user_id": (await registered(service)).user_id})

        reply = await service.auth("POST", "/mail-tokens", other)

        assert (reply.status, reply.json()["code"]) == (409, "mail_token_exists")

    async def test_needs_a_user(self, service: Callers) -> None:
        reply = await service.auth("POST", "/mail-tokens", mail_token(uuid4()))

        assert (reply.status, reply.json()["code"]) == (404, "user_not_found")

    async def test_unknown(self, service: Callers) -> None:
        reply = await service.auth(
            "POST", "/mail-tokens/lookup", {"token_hash": "0" * 64, "purpose": "verify_email"}
        )

        assert (reply.status, reply.json()["code"]) == (404, "mail_token_not_found")


class TestVerify:
    async def test_spends_the_token_and_activates_the_user(
        self, service: Callers, database: Database
    ) -> None:
        user = await registered(service)
        token = mail_token(user.user_id)
        await service.auth("POST", "/mail-tokens", token)

        reply = await service.auth(
            "POST", "/email-verifications", using(token, event("user.verified", user.user_id))
        )

        assert reply.status == 200
        assert (reply.json()["status"], reply.json()["version"]) == ("active", 2)
        stored = await database.row("SELECT used_at FROM mail_tokens")
        assert stored is not None
        assert stored["used_at"] is not None
        assert len(await database.rows("SELECT event_id FROM events")) == 1

    async def test_a_token_is_good_for_one_of_many(self, service: Callers) -> None:
        token = mail_token((await registered(service)).user_id)
        await service.auth("POST", "/mail-tokens", token)

        replies = await asyncio.gather(
            *(service.auth("POST", "/email-verifications", using(token)) for _ in range(5))
        )

        assert sorted(reply.status for reply in replies) == [200, 409, 409, 409, 409]
        assert {reply.json().get("code") for reply in replies} == {None, "mail_token_used"}

    async def test_the_same_command_twice_gets_the_same_answer(self, service: Callers) -> None:
        token = mail_token((await registered(service)).user_id)
        await service.auth("POST", "/mail-tokens", token)
        command = using(token)

        replies = [await service.auth("POST", "/email-verifications", command) for _ in range(2)]

        assert [reply.status for reply in replies] == [200, 200]
        assert replies[0].body == replies[1].body

    async def test_an_expired_token_is_none(self, service: Callers) -> None:
        user = await registered(service)
        token = mail_token(user.user_id, expires_in=-1)
        await service.auth("POST", "/mail-tokens", token)

        reply = await service.auth("POST", "/email-verifications", using(token))

        assert (reply.status, reply.json()["code"]) == (404, "mail_token_not_found")
        read = await service.api("GET", f"/users/{user.user_id}")
        assert read.json()["status"] == "pending_verification"

    async def test_the_token_of_another_is_none(self, service: Callers) -> None:
        token = mail_token((await registered(service)).user_id)
        await service.auth("POST", "/mail-tokens", token)
        stranger = token.model_copy(update={"user_id": (await registered(service)).user_id})

        reply = await service.auth("POST", "/email-verifications", using(stranger))

        assert (reply.status, reply.json()["code"]) == (404, "mail_token_not_found")

    async def test_a_suspended_user_stays_suspended(self, service: Callers) -> None:
        user = await registered(service)
        token = mail_token(user.user_id)
        await service.auth("POST", "/mail-tokens", token)
        suspend = Command[UserChange](command_id=uuid4(), data=UserChange(status="suspended"))
        await service.api("PATCH", f"/users/{user.user_id}", suspend)

        reply = await service.auth("POST", "/email-verifications", using(token))

        assert (reply.status, reply.json()["status"]) == (200, "suspended")
