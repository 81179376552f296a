import asyncio
from uuid import UUID, uuid4

from database import BATCH_ROWS, Database
from repositories.command_repository import CommandRepository
from repositories.event_repository import EventRepository
from repositories.registration_repository import RegistrationRepository
from shared.models.event import Command
from shared.models.registration import NewRegistration
from tests.builders import (
    HASH,
    confirming,
    event,
    minted,
    registered,
    registering,
    registration,
    stored_credential,
    waiting,
)
from tests.callers import Callers


def command(new: NewRegistration) -> Command[NewRegistration]:
    return Command[NewRegistration](command_id=uuid4(), data=new)


async def code_of_reading(service: Callers, user_id: UUID) -> object:
    reply = await service.workers("GET", f"/registrations/{user_id}")
    return reply.json().get("code", reply.status)


class TestCreate:
    async def test_makes_no_user(self, service: Callers, database: Database) -> None:
        new = await waiting(service, "ada@example.test")

        reply = await service.workers("GET", f"/registrations/{new.user_id}")

        assert reply.status == 200
        assert (reply.json()["email"], reply.json()["address_taken"]) == (new.email, False)
        assert not await database.rows("SELECT id FROM users")
        login = await service.auth("POST", "/credentials/lookup", {"email": new.email})
        assert login.json()["code"] == "user_not_found"

    async def test_takes_an_address_as_often_as_it_is_registered(self, service: Callers) -> None:
        for _ in range(2):
            await waiting(service, "ada@example.test")

    async def test_tells_a_taken_address_only_to_who_reads_it(self, service: Callers) -> None:
        user = await registered(service)
        new = registration(await stored_credential(service), user.email)

        stored = await service.api("POST", "/registrations", command(new))
        read = await service.workers("GET", f"/registrations/{new.user_id}")

        assert stored.json() == {"user_id": str(new.user_id)}
        assert read.json()["address_taken"] is True

    async def test_needs_a_credential_that_is_free(self, service: Callers) -> None:
        user, waits = await registered(service), await waiting(service)

        for credential_id in (uuid4(), user.credential_id, waits.credential_id):
            new = registration(credential_id)
            reply = await service.api("POST", "/registrations", command(new))
            assert (reply.status, reply.json()["code"]) == (404, "credential_not_found")

    async def test_takes_an_id_once(self, service: Callers) -> None:
        first = await waiting(service)
        new = registration(await stored_credential(service))
        same_id = new.model_copy(update={"user_id": first.user_id})

        reply = await service.api("POST", "/registrations", command(same_id))

        assert (reply.status, reply.json()["code"]) == (409, "registration_exists")

    async def test_a_repeat_gets_the_same_answer(self, service: Callers) -> None:
        new = command(registration(await stored_credential(service)))

        replies = [await service.api("POST", "/registrations", new) for _ in range(2)]

        assert [reply.status for reply in replies] == [201, 201]
        assert replies[0].body == replies[1].body

    async def test_is_none_after_its_time(self, service: Callers) -> None:
        ended = await waiting(service, expires_in=-1)

        assert await code_of_reading(service, ended.user_id) == "registration_not_found"


class TestConfirm:
    async def test_makes_a_user_with_the_credential_and_the_terms(
        self, service: Callers, database: Database
    ) -> None:
        new = await waiting(service, "ada@example.test")
        token = await minted(service, new.user_id)

        reply = await service.auth(
            "POST", "/email-verifications", confirming(token, event("user.verified", new.user_id))
        )

        assert reply.status == 200
        user = reply.json()
        assert (user["id"], user["email"]) == (str(new.user_id), new.email)
        assert (user["role"], user["status"], user["version"]) == ("user", "active", 1)
        found = await service.auth("POST", "/credentials/lookup", {"email": new.email})
        assert (found.json()["user"], found.json()["password_hash"]) == (user, HASH)
        terms = await database.row("SELECT terms_version, terms_accepted_at FROM users")
        assert terms is not None
        assert (terms["terms_version"], terms["terms_accepted_at"]) == (
            "2026-11",
            new.terms_accepted_at,
        )
        assert len(await database.rows("SELECT event_id FROM events")) == 1

    async def test_any_token_of_the_address_confirms_any_registration_of_it(
        self, service: Callers
    ) -> None:
        mine = await waiting(service, "ada@example.test", password_hash="mine")
        strangers = await waiting(service, "ada@example.test", password_hash="strangers")
        token = await minted(service, strangers.user_id)

        reply = await service.auth(
            "POST", "/email-verifications", confirming(token, user_id=mine.user_id)
        )

        assert (reply.status, reply.json()["id"]) == (200, str(mine.user_id))
        found = await service.auth("POST", "/credentials/lookup", {"email": mine.email})
        assert found.json()["password_hash"] == "mine"

    async def test_the_other_registrations_and_tokens_of_the_address_are_void(
        self, service: Callers, database: Database
    ) -> None:
        mine = await waiting(service, "ada@example.test")
        other = await waiting(service, "ada@example.test")
        elsewhere = await waiting(service, "grace@example.test")
        token, others_token = (
            await minted(service, mine.user_id),
            await minted(service, other.user_id),
        )

        await service.auth("POST", "/email-verifications", confirming(token))
        late = await service.auth("POST", "/email-verifications", confirming(others_token))

        assert (late.status, late.json()["code"]) == (404, "mail_token_not_found")
        assert await code_of_reading(service, other.user_id) == "registration_not_found"
        assert await code_of_reading(service, elsewhere.user_id) == 200
        left = await database.rows("SELECT credential_id FROM credentials")
        assert {row["credential_id"] for row in left} == {
            mine.credential_id,
            elsewhere.credential_id,
        }

    async def test_a_token_confirms_none_of_another_address(self, service: Callers) -> None:
        token = await minted(service, (await waiting(service)).user_id)
        victim = await waiting(service)

        reply = await service.auth(
            "POST", "/email-verifications", confirming(token, user_id=victim.user_id)
        )

        assert (reply.status, reply.json()["code"]) == (404, "registration_not_found")
        again = await service.auth("POST", "/email-verifications", confirming(token))
        assert again.status == 200, "the token was not used up"

    async def test_an_ended_token_or_registration_confirms_nothing(
        self, service: Callers, database: Database
    ) -> None:
        new = await waiting(service)
        ended_token = await minted(service, new.user_id, expires_in=-1)
        token = await minted(service, new.user_id)

        first = await service.auth("POST", "/email-verifications", confirming(ended_token))
        await database.row("UPDATE registrations SET expires_at = now()")
        second = await service.auth("POST", "/email-verifications", confirming(token))

        assert (first.status, first.json()["code"]) == (404, "mail_token_not_found")
        assert (second.status, second.json()["code"]) == (404, "registration_not_found")
        assert not await database.rows("SELECT id FROM users")

    async def test_an_address_that_was_taken_meanwhile_is_not_taken_again(
        self, service: Callers
    ) -> None:
        new = await waiting(service, "ada@example.test")
        token = await minted(service, new.user_id)
        await registered(service, "grace@example.test")
        late = await waiting(service, "grace@example.test")
        late_token = await minted(service, late.user_id)

        taken = await service.auth("POST", "/email-verifications", confirming(late_token))
        free = await service.auth("POST", "/email-verifications", confirming(token))

        assert (taken.status, taken.json()["code"]) == (409, "email_taken")
        assert free.status == 200

    async def test_one_of_many_tokens_used_at_once_makes_the_user(
        self, service: Callers, database: Database
    ) -> None:
        waits = [await waiting(service, "ada@example.test") for _ in range(5)]
        tokens = [await minted(service, new.user_id) for new in waits]

        replies = await asyncio.gather(
            *(
                service.auth("POST", "/email-verifications", confirming(token))
                for token in tokens
                for _ in range(2)
            )
        )

        assert [reply.status for reply in replies].count(200) == 1
        assert {reply.status for reply in replies} <= {200, 404, 409}
        assert len(await database.rows("SELECT id FROM users")) == 1

    async def test_a_token_is_good_once(self, service: Callers) -> None:
        token = await minted(service, (await waiting(service)).user_id)

        replies = await asyncio.gather(
            *(service.auth("POST", "/email-verifications", confirming(token)) for _ in range(5))
        )

        assert sorted(reply.status for reply in replies) == [200, 409, 409, 409, 409]
        assert {reply.json().get("code") for reply in replies} == {None, "mail_token_used"}

    async def test_the_same_command_twice_gets_the_same_answer(self, service: Callers) -> None:
        token = await minted(service, (await waiting(service)).user_id)
        confirm = confirming(token)

        replies = [await service.auth("POST", "/email-verifications", confirm) for _ in range(2)]

        assert [reply.status for reply in replies] == [200, 200]
        assert replies[0].body == replies[1].body


async def test_a_user_made_by_an_operator_voids_the_registrations_of_the_address(
    service: Callers, database: Database
) -> None:
    strangers = await waiting(service, "boss@example.test", password_hash="strangers")
    token = await minted(service, strangers.user_id)
    operators = await stored_credential(service, "operators")

    created = await service.api("POST", "/users", registering(operators, email=strangers.email))
    late = await service.auth("POST", "/email-verifications", confirming(token))

    assert created.status == 201
    assert late.status == 404
    found = await service.auth("POST", "/credentials/lookup", {"email": strangers.email})
    assert found.json()["password_hash"] == "operators"
    assert len(await database.rows("SELECT credential_id FROM credentials")) == 1


class TestSweep:
    async def test_removes_ended_registrations_with_their_credentials(
        self, service: Callers, database: Database
    ) -> None:
        await waiting(service, expires_in=-1)
        waits = await waiting(service)

        reply = await service.workers("POST", "/registrations/sweep", {"older_than_seconds": 60})

        assert reply.json() == {"removed": 1}
        left = await database.rows("SELECT credential_id FROM credentials")
        assert [row["credential_id"] for row in left] == [waits.credential_id]

    async def test_goes_batch_by_batch(self, service: Callers, database: Database) -> None:
        batch = BATCH_ROWS
        await database.row(
            "WITH made AS (INSERT INTO credentials (credential_id, password_hash) "
            "SELECT gen_random_uuid(), 'x' FROM generate_series(1, $1) RETURNING credential_id) "
            "INSERT INTO registrations (user_id, email, credential_id, terms_version, "
            "terms_accepted_at, network, expires_at) "
            "SELECT credential_id, 'a@example.test', credential_id, '1', now(), 'x', "
            "now() - interval '1 day' FROM made",
            batch + 3,
        )
        repository = RegistrationRepository(
            database, CommandRepository(database, EventRepository({}))
        )

        assert await repository.sweep() == batch + 3
