from datetime import timedelta
from uuid import uuid4

from database import Database
from shared.models.auth import StoredMailToken
from shared.models.registration import MailTokenTried, TryMailToken
from shared.testing.asgi_client import AsgiReply
from tests.builders import confirming, mail_token, minted, waiting
from tests.callers import Callers


async def use_try(service: Callers, token: StoredMailToken, *, tries_max: int = 10) -> AsgiReply:
    wanted = TryMailToken(token_hash=token.token_hash, purpose="verify_email", tries_max=tries_max)
    return await service.auth("POST", "/mail-tokens/try", wanted)


def tried(reply: AsgiReply) -> MailTokenTried:
    assert reply.status == 200, reply.text
    return MailTokenTried.model_validate_json(reply.body)


class TestStore:
    async def test_the_same_one_again_may_end_later_and_never_earlier(
        self, service: Callers
    ) -> None:
        token = mail_token((await waiting(service)).user_id)
        later = token.model_copy(update={"expires_at": token.expires_at + timedelta(hours=1)})

        replies = [await service.auth("POST", "/mail-tokens", it) for it in (token, later, token)]

        assert [reply.status for reply in replies] == [201, 201, 201]
        ends = [StoredMailToken.model_validate(reply.json()).expires_at for reply in replies]
        assert ends == [token.expires_at, later.expires_at, later.expires_at]

    async def test_a_hash_stands_once(self, service: Callers) -> None:
        token = await minted(service, (await waiting(service)).user_id)
        other = token.model_copy(update={"user_id": (await waiting(service)).user_id})

        reply = await service.auth("POST", "/mail-tokens", other)

        assert (reply.status, reply.json()["code"]) == (409, "mail_token_exists")

    async def test_needs_a_registration(self, service: Callers) -> None:
        reply = await service.auth("POST", "/mail-tokens", mail_token(uuid4()))

        assert (reply.status, reply.json()["code"]) == (404, "registration_not_found")


class TestTry:
    async def test_reads_the_registrations_of_the_address_that_of_the_token_first(
        self, service: Callers
    ) -> None:
        first = await waiting(service, "ada@example.test", password_hash="first")
        second = await waiting(service, "ada@example.test", password_hash="second")
        third = await waiting(service, "ada@example.test", password_hash="third")
        await waiting(service, "grace@example.test")
        token = await minted(service, second.user_id)

        found = tried(await use_try(service, token))

        assert found.token == token
        assert [(it.user_id, it.password_hash) for it in found.candidates] == [
            (second.user_id, "second"),
            (third.user_id, "third"),
            (first.user_id, "first"),
        ]

    async def test_an_ended_registration_is_no_candidate(self, service: Callers) -> None:
        waits = await waiting(service, "ada@example.test")
        await waiting(service, "ada@example.test", expires_in=-1)
        token = await minted(service, waits.user_id)

        found = tried(await use_try(service, token))

        assert [it.user_id for it in found.candidates] == [waits.user_id]

    async def test_reads_twenty_at_most(self, service: Callers) -> None:
        oldest = await waiting(service, "ada@example.test")
        for _ in range(21):
            await waiting(service, "ada@example.test")
        token = await minted(service, oldest.user_id)

        found = tried(await use_try(service, token))

        assert len(found.candidates) == 20
        assert found.candidates[0].user_id == oldest.user_id

    async def test_of_a_used_token_it_reads_the_user_whom_it_confirmed(
        self, service: Callers
    ) -> None:
        other = await waiting(service, "ada@example.test", password_hash="other")
        token = await minted(service, (await waiting(service, "ada@example.test")).user_id)
        await service.auth("POST", "/email-verifications", confirming(token, user_id=other.user_id))

        found = tried(await use_try(service, token))

        assert found.token.used_at is not None
        assert found.token.user_id == other.user_id
        assert [(it.user_id, it.password_hash) for it in found.candidates] == [
            (other.user_id, "other")
        ]

    async def test_ends_after_its_tries(self, service: Callers) -> None:
        token = await minted(service, (await waiting(service)).user_id)

        replies = [await use_try(service, token, tries_max=2) for _ in range(3)]

        assert [reply.status for reply in replies] == [200, 200, 409]
        assert replies[2].json()["code"] == "mail_token_exhausted"

    async def test_unknown(self, service: Callers) -> None:
        reply = await use_try(service, mail_token(uuid4()))

        assert (reply.status, reply.json()["code"]) == (404, "mail_token_not_found")


async def test_a_sweep_removes_tokens_that_ended_long_ago(
    service: Callers, database: Database
) -> None:
    waits = await waiting(service)
    await minted(service, waits.user_id, expires_in=-7200)
    ended = await minted(service, waits.user_id, expires_in=-60)

    await service.workers("POST", "/registrations/sweep", {"older_than_seconds": 3600})

    left = await database.rows("SELECT token_hash FROM mail_tokens")
    assert [row["token_hash"] for row in left] == [ended.token_hash]
