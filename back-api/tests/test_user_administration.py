"""What admins see and change of users: the rules and the endpoints."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from fakes import FakeEvents, FakeProfiles, FakeUsers
from stub_services import StubServices

from features.user_administration.domain import UserAdministration
from services.actor import Actor
from shared.kit.errors import Conflict
from shared.models.base import now
from shared.models.event import Command
from shared.models.user import AdministerUser, Role, User, UserChange, UserPage, UserStatus
from shared.testing.asgi_client import AsgiClient

PERMISSIONS = ("users:read", "users:write")
ACTOR = Actor(uuid4(), "192.0.2.9")


def stored(users: FakeUsers, name: str, role: Role = "user", status: UserStatus = "active") -> User:
    user = User(
        id=uuid4(),
        email=f"{name}@example.org",
        role=role,
        status=status,
        version=1,
        created_at=now() + timedelta(seconds=len(users.users)),
    )
    users.users[user.id] = user
    return user


@pytest.fixture
def users() -> FakeUsers:
    return FakeUsers()


@pytest.fixture
def administration(users: FakeUsers) -> UserAdministration:
    return UserAdministration(users, FakeProfiles(), FakeEvents())


def published(users: FakeUsers) -> list[str]:
    return [event.envelope.event_type for event in users.events]


class TestChange:
    async def test_a_suspension_ends_the_sessions_and_says_who_did_it(
        self, administration: UserAdministration, users: FakeUsers
    ) -> None:
        user = stored(users, "ada")
        changed = await administration.change(ACTOR, user.id, AdministerUser(status="suspended"))
        assert (changed.status, changed.role) == ("suspended", "user")
        administered, status, revoked = (event.envelope for event in users.events)
        assert administered.event_type == "user.administered"
        assert administered.payload == {
            "user_id": str(user.id),
            "actor_id": str(ACTOR.user_id),
            "role": "user",
            "status": "suspended",
            "network": "192.0.2.9",
        }
        assert status.event_type == "user.status.changed"
        assert revoked.event_type == "user.sessions.revoked"
        assert revoked.payload["session_generation"] == 2
        assert users.users[user.id].session_generation == 2

    async def test_another_role_is_published(
        self, administration: UserAdministration, users: FakeUsers
    ) -> None:
        user = stored(users, "ada")
        await administration.change(ACTOR, user.id, AdministerUser(role="admin"))
        assert published(users) == [
            "user.administered",
            "user.role.changed",
            "user.sessions.revoked",
        ]

    async def test_what_the_user_has_changes_nothing(
        self, administration: UserAdministration, users: FakeUsers
    ) -> None:
        user = stored(users, "ada")
        asked = AdministerUser(role="user", status="active")
        assert (await administration.change(ACTOR, user.id, asked)).status == "active"
        assert users.events == []
        assert users.users[user.id].version == 1

    async def test_admins_do_not_change_themselves(
        self, administration: UserAdministration, users: FakeUsers
    ) -> None:
        user = stored(users, "ada", "admin")
        with pytest.raises(Conflict, match="own_account"):
            await administration.change(
                Actor(user.id, "192.0.2.9"), user.id, AdministerUser(role="user")
            )

    async def test_an_admin_is_left(
        self, administration: UserAdministration, users: FakeUsers
    ) -> None:
        user = stored(users, "ada", "admin")
        with pytest.raises(Conflict, match="last_admin"):
            await administration.change(ACTOR, user.id, AdministerUser(status="suspended"))

    async def test_meets_a_concurrent_change(self, users: FakeUsers) -> None:
        user = stored(users, "ada")

        class ChangedMeanwhile(FakeUsers):
            async def get(self, user_id: UUID) -> User:
                found = await users.get(user_id)
                if found.version == 1:
                    other = UserChange(role="admin")
                    await users.change(user_id, Command(command_id=uuid4(), data=other))
                return found

            async def change(self, user_id: UUID, command: Command[UserChange]) -> User:
                return await users.change(user_id, command)

        administration = UserAdministration(ChangedMeanwhile(), FakeProfiles(), FakeEvents())
        stored(users, "another", "admin")
        changed = await administration.change(ACTOR, user.id, AdministerUser(status="suspended"))
        assert (changed.role, changed.status) == ("admin", "suspended"), "the other change stays"


async def page_of(api: AsgiClient, stubs: StubServices, **asked: str) -> UserPage:
    bearer = stubs.bearer(uuid4(), role="admin", permissions=PERMISSIONS)
    reply = await api.get("/api/admin/users", headers=bearer, params=asked)
    assert reply.status == 200
    return UserPage.model_validate_json(reply.body)


def names(page: UserPage) -> list[str]:
    return [user.email.partition("@")[0] for user in page.items]


class TestEndpoints:
    async def test_pages(self, api: AsgiClient, stubs: StubServices) -> None:
        for name in ("ada", "ben", "cy"):
            stored(stubs.users, name)
        first = await page_of(api, stubs, limit="2")
        assert names(first) == ["cy", "ben"]
        assert first.next
        rest = await page_of(api, stubs, limit="2", before=first.next)
        assert (names(rest), rest.next) == (["ada"], None)

    async def test_filters(self, api: AsgiClient, stubs: StubServices) -> None:
        stored(stubs.users, "ada", "admin")
        stored(stubs.users, "adam", status="suspended")
        stored(stubs.users, "ben")

        assert names(await page_of(api, stubs, search="ADA")) == ["adam", "ada"]
        assert names(await page_of(api, stubs, role="admin")) == ["ada"]
        assert names(await page_of(api, stubs, status="suspended", search="ad")) == ["adam"]

    @pytest.mark.parametrize(
        "params, status",
        [
            ({"role": "owner"}, 422),
            ({"status": "pending_verification"}, 422),
            ({"limit": "0"}, 422),
            ({"search": "a" * 101}, 422),
            ({"search": "a\x00"}, 422),
            ({"before": "garbage"}, 400),
        ],
    )
    async def test_bad_questions(
        self, api: AsgiClient, stubs: StubServices, params: dict[str, str], status: int
    ) -> None:
        bearer = stubs.bearer(uuid4(), role="admin", permissions=PERMISSIONS)
        assert (await api.get("/api/admin/users", headers=bearer, params=params)).status == status

    async def test_one_user_with_the_names_of_the_profile(
        self, api: AsgiClient, stubs: StubServices, user_id: UUID
    ) -> None:
        bearer = stubs.bearer(user_id)
        body = {"first_name": "Ada", "last_name": "Lovelace"}
        assert (await api.post("/api/profile", json=body, headers=bearer)).status == 201
        admin = stubs.bearer(uuid4(), role="admin", permissions=PERMISSIONS)
        found = (await api.get(f"/api/admin/users/{user_id}", headers=admin)).json()
        assert (found["first_name"], found["last_name"], found["display_name"]) == (
            "Ada",
            "Lovelace",
            None,
        )

    async def test_a_change(self, api: AsgiClient, stubs: StubServices, user_id: UUID) -> None:
        admin = stubs.bearer(uuid4(), role="admin", permissions=PERMISSIONS)
        path = f"/api/admin/users/{user_id}"
        changed = await api.patch(path, json={"status": "suspended"}, headers=admin)
        assert (changed.status, changed.json()["status"]) == (200, "suspended")
        assert (await api.patch(path, json={}, headers=admin)).status == 422
        assert (await api.patch(path, json={"email": "x@y.org"}, headers=admin)).status == 422
        nobody = await api.patch(
            f"/api/admin/users/{uuid4()}", json={"role": "user"}, headers=admin
        )
        assert (nobody.status, nobody.json()["code"]) == (404, "user_not_found")

    async def test_reading_is_not_changing(
        self, api: AsgiClient, stubs: StubServices, user_id: UUID
    ) -> None:
        path = f"/api/admin/users/{user_id}"
        reader = stubs.bearer(uuid4(), role="admin", permissions=("users:read",))
        assert (await api.get(path, headers=reader)).status == 200
        assert (await api.patch(path, json={"role": "admin"}, headers=reader)).status == 403
        assert (await api.get(path, headers=stubs.bearer(user_id))).status == 403


class TestReadsAreAudited:
    async def test_a_list_and_a_user_leave_who_read_them(
        self, api: AsgiClient, stubs: StubServices, user_id: UUID
    ) -> None:
        actor_id = uuid4()
        bearer = stubs.bearer(actor_id, role="admin", permissions=PERMISSIONS)
        for path in ("/api/admin/users?search=ada", f"/api/admin/users/{user_id}"):
            assert (await api.get(path, headers=bearer)).status == 200
        read = [it.envelope for it in stubs.events.events]
        assert [it.event_type for it in read] == ["users.read", "users.read"]
        assert [it.payload["subject_id"] for it in read] == [None, str(user_id)]
        assert {it.payload["actor_id"] for it in read} == {str(actor_id)}
        assert "ada" not in str([it.payload for it in read]), "a search may be an address"

    async def test_nothing_is_given_that_can_not_be_recorded(
        self, api: AsgiClient, stubs: StubServices, user_id: UUID
    ) -> None:
        bearer = stubs.bearer(uuid4(), role="admin", permissions=PERMISSIONS)
        stubs.events.down = True
        for path in ("/api/admin/users", f"/api/admin/users/{user_id}"):
            assert (await api.get(path, headers=bearer)).status == 503
