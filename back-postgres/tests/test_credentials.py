import asyncio
from uuid import UUID, uuid4

from database import BATCH_ROWS, Database
from repositories.command_repository import CommandRepository
from repositories.credential_repository import CredentialRepository
from repositories.event_repository import EventRepository
from shared.models.auth import StoredMailToken
from shared.models.event import Command
from shared.models.password_reset import ResetPassword
from shared.models.user import Credential, Rehash, ReplacePassword
from tests.builders import HASH, mail_token, minted, registered, stored_credential, waiting
from tests.callers import Callers


async def hash_of(service: Callers, email: str) -> object:
    reply = await service.auth("POST", "/credentials/lookup", {"email": email})
    return reply.json()["password_hash"]


class TestStore:
    async def test_again_changes_nothing(self, service: Callers) -> None:
        credential = Credential(credential_id=uuid4(), password_hash=HASH)

        replies = [await service.auth("POST", "/credentials", credential) for _ in range(2)]

        assert [reply.status for reply in replies] == [201, 201]
        assert replies[0].body == replies[1].body

    async def test_refuses_another_hash_under_the_same_id(self, service: Callers) -> None:
        credential_id = await stored_credential(service)

        reply = await service.auth(
            "POST", "/credentials", Credential(credential_id=credential_id, password_hash="other")
        )

        assert (reply.status, reply.json()["code"]) == (409, "credential_exists")

    async def test_refuses_an_empty_hash(self, service: Callers) -> None:
        reply = await service.auth(
            "POST", "/credentials", Credential(credential_id=uuid4(), password_hash="")
        )

        assert (reply.status, reply.json()["code"]) == (400, "constraint_violated")


class TestLookUp:
    async def test_unknown(self, service: Callers) -> None:
        reply = await service.auth("POST", "/credentials/lookup", {"email": "no@example.test"})

        assert (reply.status, reply.json()["code"]) == (404, "user_not_found")


class TestRehash:
    async def put(
        self, service: Callers, user_id: UUID, replaces: UUID, credential_id: UUID, fresh: str
    ) -> tuple[int, object]:
        rehash = Rehash(credential_id=credential_id, password_hash=fresh, replaces=replaces)
        reply = await service.auth("PUT", f"/users/{user_id}/credential", rehash)
        return reply.status, reply.json().get("code")

    async def test_replaces_the_hash_that_was_read(self, service: Callers) -> None:
        user, fresh_id = await registered(service), uuid4()

        for _ in range(2):
            answer = await self.put(service, user.user_id, user.credential_id, fresh_id, "fresh")
            assert answer == (200, None)

        found = await service.auth("POST", "/credentials/lookup", {"email": user.email})
        assert found.json()["password_hash"] == "fresh"
        assert found.json()["credential_id"] == str(fresh_id)
        assert found.json()["password_version"] == 1

    async def test_never_overwrites_a_newer_one(self, service: Callers) -> None:
        user = await registered(service)
        read = user.credential_id
        await self.put(service, user.user_id, read, uuid4(), "newer")

        answer = await self.put(service, user.user_id, read, uuid4(), "of the old password")

        assert answer == (409, "credential_replaced")
        assert await hash_of(service, user.email) == "newer"

    async def test_of_two_at_once_one_is_refused(self, service: Callers) -> None:
        user = await registered(service)
        answers = await asyncio.gather(
            *(
                self.put(service, user.user_id, user.credential_id, uuid4(), f"hash {number}")
                for number in range(2)
            )
        )
        assert sorted(status for status, _ in answers) == [200, 409]

    async def test_never_takes_the_id_of_another(self, service: Callers) -> None:
        user, other = await registered(service), await registered(service)

        answer = await self.put(
            service, user.user_id, user.credential_id, other.credential_id, "fresh"
        )

        assert answer == (409, "credential_exists")
        assert await hash_of(service, other.email) == HASH

    async def test_unknown_user(self, service: Callers) -> None:
        answer = await self.put(service, uuid4(), uuid4(), uuid4(), "fresh")
        assert answer == (404, "user_not_found")


class TestSweep:
    async def test_removes_old_credentials_that_nobody_claimed(
        self, service: Callers, database: Database
    ) -> None:
        user, waits = await registered(service), await waiting(service)
        old, young = await stored_credential(service), await stored_credential(service)
        await database.row(
            "UPDATE credentials SET created_at = now() - interval '2 hours' "
            "WHERE credential_id <> $1",
            young,
        )

        reply = await service.workers("POST", "/credentials/sweep", {"older_than_seconds": 3600})

        assert reply.json() == {"removed": 1}
        left = await database.rows("SELECT credential_id FROM credentials")
        assert {row["credential_id"] for row in left} == {
            user.credential_id,
            waits.credential_id,
            young,
        }
        assert old not in {row["credential_id"] for row in left}

    async def test_goes_batch_by_batch(self, database: Database) -> None:
        batch = BATCH_ROWS
        await database.row(
            "INSERT INTO credentials (credential_id, password_hash, created_at) "
            "SELECT gen_random_uuid(), 'x', now() - interval '1 day' FROM generate_series(1, $1)",
            batch + 3,
        )

        commands = CommandRepository(database, EventRepository({}))
        assert await CredentialRepository(database, commands).sweep(60) == batch + 3


def replacement(replaces: UUID, version: int | None = None) -> Command[ReplacePassword]:
    data = ReplacePassword(credential_id=uuid4(), password_hash=HASH, replaces=replaces)
    return Command[ReplacePassword](command_id=uuid4(), expected_version=version, data=data)


class TestReplace:
    async def test_a_new_password_ends_sessions_and_device_tokens(self, service: Callers) -> None:
        user = await registered(service)
        command = replacement(user.credential_id, 1)

        reply = await service.auth("PUT", f"/users/{user.user_id}/password", command)

        assert reply.status == 200
        assert (reply.json()["session_generation"], reply.json()["version"]) == (2, 2)
        found = (await service.auth("POST", "/credentials/lookup", {"email": user.email})).json()
        assert found["credential_id"] == str(command.data.credential_id)
        assert found["password_version"] == 2
        again = await service.auth("PUT", f"/users/{user.user_id}/password", command)
        assert again.json() == reply.json()

    async def test_what_was_read_must_still_hold(self, service: Callers) -> None:
        user = await registered(service)
        path = f"/users/{user.user_id}/password"
        stale = await service.auth("PUT", path, replacement(user.credential_id, 7))
        assert (stale.status, stale.json()["code"]) == (409, "stale_version")
        other = await service.auth("PUT", path, replacement(uuid4()))
        assert (other.status, other.json()["code"]) == (409, "credential_replaced")
        nobody = await service.auth("PUT", f"/users/{uuid4()}/password", replacement(uuid4()))
        assert (nobody.status, nobody.json()["code"]) == (404, "user_not_found")
        left = (await service.api("GET", f"/users/{user.user_id}")).json()
        assert (left["session_generation"], left["version"]) == (1, 1)


def resetting(
    token: StoredMailToken, expected_version: int | None = None
) -> Command[ResetPassword]:
    data = ResetPassword(
        token_hash=token.token_hash,
        user_id=token.user_id,
        credential_id=uuid4(),
        password_hash="another hash",
    )
    return Command[ResetPassword](command_id=uuid4(), expected_version=expected_version, data=data)


async def reset_token(
    service: Callers, user_id: UUID, *, expires_in: float = 3600
) -> StoredMailToken:
    token = mail_token(user_id, expires_in=expires_in).model_copy(
        update={"purpose": "reset_password"}
    )
    reply = await service.auth("POST", "/mail-tokens", token)
    assert reply.status == 201, reply.text
    return token


class TestReset:
    async def test_replaces_the_password_ends_the_sessions_and_voids_the_other_tokens(
        self, service: Callers
    ) -> None:
        user = await registered(service)
        used, other = [await reset_token(service, user.user_id) for _ in range(2)]

        replies = [await service.auth("POST", "/password-resets", resetting(used))]
        replies += [
            await service.auth("POST", "/password-resets", resetting(it)) for it in (used, other)
        ]

        assert [(it.status, it.json().get("code")) for it in replies] == [
            (200, None),
            (409, "mail_token_used"),
            (404, "mail_token_not_found"),
        ]
        assert (replies[0].json()["session_generation"], replies[0].json()["version"]) == (2, 2)
        found = await service.auth("POST", "/credentials/lookup", {"email": user.email})
        assert found.json()["password_hash"] == "another hash"
        assert found.json()["password_version"] == 2

    async def test_a_repeat_of_the_command_answers_the_same(self, service: Callers) -> None:
        user = await registered(service)
        command = resetting(await reset_token(service, user.user_id))

        replies = [await service.auth("POST", "/password-resets", command) for _ in range(2)]

        assert replies[0].status == 200
        assert replies[0].body == replies[1].body

    async def test_two_tokens_at_once_change_it_once(self, service: Callers) -> None:
        user = await registered(service)
        commands = [resetting(await reset_token(service, user.user_id), 1) for _ in range(4)]

        replies = await asyncio.gather(
            *(service.auth("POST", "/password-resets", it) for it in commands)
        )

        assert sorted(it.status for it in replies) == [200, 404, 404, 404]

    async def test_a_token_of_another_user_or_purpose_or_one_that_ended_is_none(
        self, service: Callers
    ) -> None:
        user, other = await registered(service), await registered(service)
        of_other = (await reset_token(service, other.user_id)).model_copy(
            update={"user_id": user.user_id}
        )
        ended = await reset_token(service, user.user_id, expires_in=-1)
        confirms = await minted(service, (await waiting(service)).user_id)

        for token in (of_other, ended, confirms):
            reply = await service.auth("POST", "/password-resets", resetting(token))
            assert (reply.status, reply.json()["code"]) == (404, "mail_token_not_found")

    async def test_a_user_who_changed_meanwhile_keeps_the_token(self, service: Callers) -> None:
        user = await registered(service)
        token = await reset_token(service, user.user_id)

        stale = await service.auth("POST", "/password-resets", resetting(token, 7))
        again = await service.auth("POST", "/password-resets", resetting(token, 1))

        assert (stale.status, stale.json()["code"]) == (409, "stale_version")
        assert again.status == 200

    async def test_a_changed_password_voids_the_tokens(self, service: Callers) -> None:
        user = await registered(service)
        token = await reset_token(service, user.user_id)
        data = ReplacePassword(
            credential_id=uuid4(), password_hash="of a change", replaces=user.credential_id
        )
        change = Command[ReplacePassword](command_id=uuid4(), data=data)
        await service.auth("PUT", f"/users/{user.user_id}/password", change)

        reply = await service.auth("POST", "/password-resets", resetting(token))

        assert (reply.status, reply.json()["code"]) == (404, "mail_token_not_found")

    async def test_a_token_needs_a_user(self, service: Callers) -> None:
        token = mail_token(uuid4()).model_copy(update={"purpose": "reset_password"})

        reply = await service.auth("POST", "/mail-tokens", token)

        assert (reply.status, reply.json()["code"]) == (404, "user_not_found")

    async def test_a_try_reads_no_hash(self, service: Callers) -> None:
        token = await reset_token(service, (await registered(service)).user_id)

        wanted = {"token_hash": token.token_hash, "purpose": "reset_password", "tries_max": 1}
        tried = await service.auth("POST", "/mail-tokens/try", wanted)
        again = await service.auth("POST", "/mail-tokens/try", wanted)

        assert tried.json()["candidates"] == []
        assert (again.status, again.json()["code"]) == (409, "mail_token_exhausted")
