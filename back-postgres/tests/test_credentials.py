from uuid import UUID, uuid4

from database import Database
from repositories import credential_repository
from repositories.credential_repository import CredentialRepository
from shared.models.user import Credential
from tests.builders import HASH, registered, stored_credential
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


class TestReplace:
    async def put(self, service: Callers, user_id: UUID, credential_id: UUID) -> tuple[int, object]:
        reply = await service.auth(
            "PUT",
            f"/users/{user_id}/credential",
            Credential(credential_id=credential_id, password_hash="rehashed"),
        )
        return reply.status, reply.json().get("code")

    async def test_replaces_the_hash(self, service: Callers) -> None:
        user = await registered(service)

        assert await self.put(service, user.user_id, user.credential_id) == (200, None)
        assert await self.put(service, user.user_id, user.credential_id) == (200, None)

        assert await hash_of(service, user.email) == "rehashed"

    async def test_under_a_new_id(self, service: Callers) -> None:
        user = await registered(service)

        assert await self.put(service, user.user_id, uuid4()) == (200, None)

        assert await hash_of(service, user.email) == "rehashed"

    async def test_never_takes_the_id_of_another(self, service: Callers) -> None:
        user, other = await registered(service), await registered(service)

        answer = await self.put(service, user.user_id, other.credential_id)

        assert answer == (409, "credential_exists")
        assert await hash_of(service, other.email) == HASH

    async def test_unknown_user(self, service: Callers) -> None:
        assert await self.put(service, uuid4(), uuid4()) == (404, "user_not_found")


class TestSweep:
    async def test_removes_old_credentials_that_nobody_claimed(
        self, service: Callers, database: Database
    ) -> None:
        user = await registered(service)
        old, young = await stored_credential(service), await stored_credential(service)
        await database.row(
            "UPDATE credentials SET created_at = now() - interval '2 hours' "
            "WHERE credential_id <> $1",
            young,
        )

        reply = await service.workers("POST", "/credentials/sweep", {"older_than_seconds": 3600})

        assert reply.json() == {"removed": 1}
        left = await database.rows("SELECT credential_id FROM credentials")
        assert {row["credential_id"] for row in left} == {user.credential_id, young}
        assert old not in {row["credential_id"] for row in left}

    async def test_goes_batch_by_batch(self, database: Database) -> None:
        batch = credential_repository._SWEEP_BATCH
        await database.row(
            "INSERT INTO credentials (credential_id, password_hash, created_at) "
            "SELECT gen_random_uuid(), 'x', now() - interval '1 day' FROM generate_series(1, $1)",
            batch + 3,
        )

        assert await CredentialRepository(database).sweep(60) == batch + 3
