import asyncio
from typing import TypedDict, cast
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from database import Database
from shared.models.event import Command
from shared.models.user import Role, UserChange
from tests.builders import (
    event,
    profile_command,
    profile_of,
    registered,
    registering,
    stored_credential,
)
from tests.callers import Callers


class Page(TypedDict):
    items: list[dict[str, str | None]]
    next: str


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
        user, other = await registered(service), await registered(service)
        await service.api("PATCH", f"/users/{other.user_id}", change("admin"))
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


async def page_of(service: Callers, **asked: str) -> Page:
    reply = await service.api("GET", f"/users?{urlencode(asked)}")
    assert reply.status == 200, reply.text
    return cast("Page", reply.json())


class TestPage:
    async def test_newest_first_page_by_page(self, service: Callers) -> None:
        made = [str((await registered(service)).user_id) for _ in range(5)]
        seen: list[str | None] = []
        before: dict[str, str] = {}
        for expected in (2, 2, 1):
            page = await page_of(service, limit="2", **before)
            assert len(page["items"]) == expected
            seen += [it["id"] for it in page["items"]]
            before = {"before": page["next"]}
        assert not page["next"]
        assert seen == made[::-1]

    @pytest.mark.parametrize("search", ["ADA", "ada@", "love", "Countess", "ada@example.test"])
    async def test_finds_by_the_beginning_of_address_and_names(
        self, service: Callers, search: str
    ) -> None:
        ada = await registered(service, email="ada@example.test")
        await registered(service, email="ben@example.test")
        profile = profile_of(ada.user_id, display_name="Countess")
        assert (await service.api("POST", "/profiles", profile_command(profile))).status == 201

        page = await page_of(service, search=search)

        assert [it["id"] for it in page["items"]] == [str(ada.user_id)]
        assert page["items"][0]["last_name"] == "Lovelace"

    @pytest.mark.parametrize("search", ["%", "_da", "\\", "da@"])
    async def test_a_search_is_no_pattern(self, service: Callers, search: str) -> None:
        await registered(service, email="ada@example.test")
        page = await page_of(service, search=search)
        assert page["items"] == []

    async def test_filters_by_role_and_status(self, service: Callers) -> None:
        admin = await registered(service)
        await registered(service)
        promoted = await service.api("PATCH", f"/users/{admin.user_id}", change("admin"))
        assert promoted.status == 200

        admins = await page_of(service, role="admin")
        assert [it["id"] for it in admins["items"]] == [str(admin.user_id)]
        assert (await page_of(service, role="admin", status="suspended"))["items"] == []

    async def test_reads_no_more_users_than_it_needs(
        self, service: Callers, database: Database
    ) -> None:
        await database.rows(
            "WITH made AS (INSERT INTO users (id, email, role, status) SELECT gen_random_uuid(),"
            " 'user' || n || '@example.test', 'user', 'active' FROM generate_series(1, 5000) AS n"
            " RETURNING id) INSERT INTO profiles (id, user_id, first_name, last_name, language,"
            " timezone, completion) SELECT gen_random_uuid(), id, 'Ada', 'Name' || id, 'en', 'UTC',"
            " 40 FROM made"
        )
        await database.rows("ANALYZE users, profiles")
        plan = await database.rows(
            "EXPLAIN SELECT id FROM users WHERE email LIKE 'user1234%' UNION SELECT user_id"
            " FROM profiles WHERE lower(last_name) LIKE 'user1234%'"
        )
        text = "\n".join(row[0] for row in plan)
        assert text.count("Index Cond") == 2, text


class TestLastAdmin:
    async def test_stays(self, service: Callers) -> None:
        admin = await registered(service)
        path = f"/users/{admin.user_id}"
        assert (await service.api("PATCH", path, change("admin"))).status == 200

        reply = await service.api("PATCH", path, change("user"))

        assert (reply.status, reply.json()["code"]) == (409, "last_admin")
        assert (await service.api("GET", path)).json()["role"] == "admin"

    async def test_one_of_two_who_demote_each_other_stays(self, service: Callers) -> None:
        admins = [await registered(service) for _ in range(2)]
        for admin in admins:
            await service.api("PATCH", f"/users/{admin.user_id}", change("admin"))

        replies = await asyncio.gather(
            *(service.api("PATCH", f"/users/{it.user_id}", change("user")) for it in admins)
        )

        assert sorted(reply.status for reply in replies) == [200, 409]
