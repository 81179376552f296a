import asyncio
from uuid import UUID, uuid4

from database import BATCH_ROWS, Database
from repositories.command_repository import CommandRepository
from repositories.credential_repository import CredentialRepository
from repositories.event_repository import EventRepository
from shared.models.event import Command
from shared.models.user import Credential, Rehash, ReplacePassword
from tests.builders import HASH, registered, stored_credential, waiting
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
