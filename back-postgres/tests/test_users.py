from uuid import uuid4

import pytest

from database import Database
from shared.models.event import Command
from shared.models.user import Role, UserChange
from tests.builders import event, registered, registering, stored_credential
from tests.callers import Callers


def change(role: Role, expected_version: int | None = None) -> Command[UserChange]:
    return Command[UserChange](
        command_id=uuid4(), expected_version=expected_version, data=UserChange(role=role)
    )


class TestCreate:
    async def test_stores_the_user_and_claims_the_credential(self, service: Callers) -> None:
        command = registering(await stored_credential(service), email="ada@example.test")

        reply = await service.api("POST", "/users", command)

        assert reply.status == 201
        user = reply.json()
        assert user["id"] == str(command.data.user_id)
        assert (user["email"], user["role"], user["status"], user["version"]) == (
            "ada@example.test",
            "user",
            "active",
            1,
        )
        found = await service.auth("POST", "/credentials/lookup", {"email": "Ada@Example.test"})
        assert found.json()["user"] == user

    async def test_takes_an_address_once(self, service: Callers, database: Database) -> None:
        taken = await registered(service)
        credential_id = await stored_credential(service)

        reply = await service.api(
            "POST", "/users", registering(credential_id, event(), email=taken.email)
        )

        assert (reply.status, reply.json()["code"]) == (409, "email_taken")
        assert not await database.rows("SELECT event_id FROM events")
        again = await service.api("POST", "/users", registering(credential_id))
        assert again.status == 201, "the credential is still free"

    async def test_takes_an_id_once(self, service: Callers) -> None:
        first = await registered(service)
        command = registering(await stored_credential(service))
        same_id = command.data.model_copy(update={"user_id": first.user_id})

        reply = await service.api("POST", "/users", command.model_copy(update={"data": same_id}))

        assert (reply.status, reply.json()["code"]) == (409, "user_exists")

    async def test_needs_a_credential(self, service: Callers) -> None:
        command = registering(uuid4())

        reply = await service.api("POST", "/users", command)

        assert (reply.status, reply.json()["code"]) == (404, "credential_not_found")
        read = await service.api("GET", f"/users/{command.data.user_id}")
        assert read.status == 404, "the user was rolled back"

    async def test_needs_a_credential_of_its_own(self, service: Callers) -> None:
        owner = await registered(service)

        reply = await service.api("POST", "/users", registering(owner.credential_id))

        assert (reply.status, reply.json()["code"]) == (404, "credential_not_found")


class TestRead:
    @pytest.mark.parametrize("caller", ["back-api", "back-auth"])
    async def test_by_id(self, service: Callers, caller: str) -> None:
        user = await registered(service)

        reply = await service.call(caller, "GET", f"/users/{user.user_id}")

        assert reply.json()["email"] == user.email

    async def test_by_address(self, service: Callers) -> None:
        user = await registered(service)

        reply = await service.api("POST", "/users/lookup", {"email": f" {user.email.upper()} "})

        assert reply.json()["id"] == str(user.user_id)

    async def test_unknown(self, service: Callers) -> None:
        by_id = await service.api("GET", f"/users/{uuid4()}")
        by_email = await service.api("POST", "/users/lookup", {"email": "no@example.test"})

        assert (by_id.status, by_id.json()["code"]) == (404, "user_not_found")
        assert (by_email.status, by_email.json()["code"]) == (404, "user_not_found")

    async def test_no_uuid(self, service: Callers) -> None:
        assert (await service.api("GET", "/users/1%20OR%201=1")).status == 422


class TestChange:
    async def test_changes_what_is_given(self, service: Callers) -> None:
        user = await registered(service)

        reply = await service.api("PATCH", f"/users/{user.user_id}", change("admin", 1))

        assert reply.status == 200
        assert (reply.json()["role"], reply.json()["status"], reply.json()["version"]) == (
            "admin",
            "active",
            2,
        )

    async def test_another_role_or_status_ends_the_sessions(self, service: Callers) -> None:
        user = await registered(service)
        path = f"/users/{user.user_id}"
        generations = []
        for role, status in (
            ("admin", None),
            ("admin", None),
            ("admin", "suspended"),
            ("user", "active"),
            (None, None),
        ):
            data = UserChange(role=role, status=status)
            reply = await service.api("PATCH", path, Command(command_id=uuid4(), data=data))
            generations.append(reply.json()["session_generation"])
        assert generations == [2, 2, 3, 4, 4]

    async def test_refuses_a_stale_version(self, service: Callers) -> None:
        user = await registered(service)
        await service.api("PATCH", f"/users/{user.user_id}", change("admin"))

        reply = await service.api("PATCH", f"/users/{user.user_id}", change("user", 1))

        assert (reply.status, reply.json()["code"]) == (409, "stale_version")
        read = await service.api("GET", f"/users/{user.user_id}")
        assert (read.json()["role"], read.json()["version"]) == ("admin", 2)

    async def test_unknown(self, service: Callers) -> None:
        reply = await service.api("PATCH", f"/users/{uuid4()}", change("admin", 1))

        assert (reply.status, reply.json()["code"]) == (404, "user_not_found")

    async def test_a_version_that_no_number_can_hold(self, service: Callers) -> None:
        user = await registered(service)

        reply = await service.api("PATCH", f"/users/{user.user_id}", change("admin", 2**70))

        assert (reply.status, reply.json()["code"]) == (400, "value_refused")
