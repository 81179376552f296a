"""What admins may do (audit log, maintenance tasks), and how a user becomes one."""

import getpass
import io
import platform
from uuid import UUID, uuid4

import pytest
from fakes import FakeCredentials, FakeUsers
from stub_services import StubServices

from features.user_administration.__main__ import Refused, main, make_admin
from features.user_administration.domain import Administrators
from shared.models.audit import AuditEntry
from shared.models.base import now
from shared.models.task import StartBackgroundTask
from shared.models.user import User
from shared.testing.asgi_client import AsgiClient, in_memory

OPERATOR = "ada@host"
ADMIN = ("audit:read", "maintenance:run")


def entry(user_id: UUID | None) -> AuditEntry:
    return AuditEntry(
        event_id=uuid4(),
        event_type="auth.logout",
        occurred_at=now(),
        user_id=user_id,
        correlation_id="c",
        payload={},
    )


class TestAudit:
    async def test_pages_of_one_user(
        self, api: AsgiClient, stubs: StubServices, user_id: UUID
    ) -> None:
        stubs.audit.entries = [entry(user_id), entry(uuid4()), entry(user_id)]
        bearer = stubs.bearer(uuid4(), role="admin", permissions=ADMIN)
        asked = {"user_id": str(user_id), "limit": "1"}
        first = (await api.get("/api/admin/audit", headers=bearer, params=asked)).json()
        assert first["next"] == "1"
        second = await api.get("/api/admin/audit", headers=bearer, params=asked | {"before": "1"})
        assert second.json()["next"] is None

    async def test_others_may_not(self, api: AsgiClient, stubs: StubServices) -> None:
        reply = await api.get("/api/admin/audit", headers=stubs.bearer(uuid4()))
        assert reply.status == 403
        assert reply.json()["code"] == "permission_missing"

    @pytest.mark.parametrize(
        "params, status",
        [
            ({"limit": "0"}, 422),
            ({"limit": "201"}, 422),
            ({"user_id": "me"}, 422),
            ({"before": "a\x00b"}, 422),
            ({"before": "garbage"}, 400),
        ],
    )
    async def test_bad_questions(
        self, api: AsgiClient, stubs: StubServices, params: dict[str, str], status: int
    ) -> None:
        bearer = stubs.bearer(uuid4(), role="admin", permissions=ADMIN)
        reply = await api.get("/api/admin/audit", headers=bearer, params=params)
        assert reply.status == status

    async def test_leaves_who_read_whose_entries_from_where(
        self, api: AsgiClient, stubs: StubServices, user_id: UUID
    ) -> None:
        admin = uuid4()
        bearer = stubs.bearer(admin, role="admin", permissions=ADMIN)
        for asked in ({"user_id": str(user_id)}, {}):
            headers = bearer | {"X-Real-IP": "2001:db8::7"}
            assert (await api.get("/api/admin/audit", headers=headers, params=asked)).status == 200
        assert [event.envelope.event_type for event in stubs.events.events] == ["audit.read"] * 2
        assert [event.envelope.payload for event in stubs.events.events] == [
            {"actor_id": str(admin), "subject_id": subject, "network": "2001:db8::/64"}
            for subject in (str(user_id), None)
        ]

    async def test_nothing_is_read_when_that_can_not_be_stored(
        self, api: AsgiClient, stubs: StubServices
    ) -> None:
        stubs.events.down = True
        bearer = stubs.bearer(uuid4(), role="admin", permissions=ADMIN)
        assert (await api.get("/api/admin/audit", headers=bearer)).status == 503

    async def test_a_question_that_is_refused_leaves_no_event(
        self, api: AsgiClient, stubs: StubServices
    ) -> None:
        await api.get("/api/admin/audit", headers=stubs.bearer(uuid4()))
        bearer = stubs.bearer(uuid4(), role="admin", permissions=ADMIN)
        await api.get("/api/admin/audit", headers=bearer, params={"before": "garbage"})
        assert stubs.events.events == []


class TestMaintenance:
    async def test_leaves_who_started_what_from_where(
        self, api: AsgiClient, stubs: StubServices
    ) -> None:
        admin = uuid4()
        headers = stubs.bearer(admin, role="admin", permissions=ADMIN) | {"X-Real-IP": "192.0.2.9"}
        body = {"chore": "sweep_credentials"}
        await api.post("/api/admin/maintenance", json=body, headers=headers)
        [event] = stubs.events.events
        assert event.envelope.event_type == "maintenance.started"
        assert event.envelope.payload == {
            "actor_id": str(admin),
            "chore": "sweep_credentials",
            "network": "192.0.2.9",
        }

    async def test_nothing_starts_when_that_can_not_be_stored(
        self, api: AsgiClient, stubs: StubServices
    ) -> None:
        stubs.events.down = True
        body = {"chore": "sweep_credentials"}
        bearer = stubs.bearer(uuid4(), role="admin", permissions=ADMIN)
        assert (await api.post("/api/admin/maintenance", json=body, headers=bearer)).status == 503
        assert stubs.tasks.tasks == {}

    async def test_a_task_is_started_and_read(self, api: AsgiClient, stubs: StubServices) -> None:
        bearer = stubs.bearer(uuid4(), role="admin", permissions=ADMIN)
        body = {"chore": "sweep_credentials"}
        started = await api.post("/api/admin/maintenance", json=body, headers=bearer)
        assert (started.status, started.json()["state"]) == (202, "pending")
        task_id = UUID(str(started.json()["task_id"]))
        stubs.tasks.end(task_id, {"removed": 3})
        read = await api.get(f"/api/admin/maintenance/{task_id}", headers=bearer)
        assert read.json() == {
            "task_id": str(task_id),
            "name": "sweep_credentials",
            "state": "succeeded",
            "result": {"removed": 3},
            "error": None,
        }
        unknown = await api.get(f"/api/admin/maintenance/{uuid4()}", headers=bearer)
        assert unknown.status == 404

    async def test_a_task_that_is_no_maintenance_is_not_found(
        self, api: AsgiClient, stubs: StubServices
    ) -> None:
        start = StartBackgroundTask(command_id=uuid4(), task_id=uuid4(), kind="user_export")
        await stubs.tasks.start(start)
        bearer = stubs.bearer(uuid4(), role="admin", permissions=ADMIN)
        found = await api.get(f"/api/admin/maintenance/{start.task_id}", headers=bearer)
        assert found.status == 404

    async def test_others_may_not(self, api: AsgiClient, stubs: StubServices) -> None:
        body = {"chore": "sweep_credentials"}
        bearer = stubs.bearer(uuid4())
        assert (await api.post("/api/admin/maintenance", json=body, headers=bearer)).status == 403


class TestAdministrators:
    async def test_a_new_admin_is_active_and_has_the_credential(self) -> None:
        users, credentials = FakeUsers(), FakeCredentials()
        user_id = await Administrators(users, credentials, operator=OPERATOR).create(
            "root@example.org", "secret"
        )
        created = users.users[user_id]
        assert (created.email, created.role, created.status) == (
            "root@example.org",
            "admin",
            "active",
        )
        assert list(credentials.stored.values()) == ["secret"]
        changed, made = (event.envelope for event in users.events)
        assert changed.event_type == "user.role.changed"
        assert changed.payload == {"user_id": str(user_id), "role": "admin"}
        assert made.event_type == "user.admin.made"
        assert made.payload == {"user_id": str(user_id), "operator": OPERATOR}

    async def test_promoting_keeps_the_password(self, user: User) -> None:
        users, credentials = FakeUsers(), FakeCredentials()
        users.users[user.id] = user
        administrators = Administrators(users, credentials, operator=OPERATOR)
        assert await administrators.promote(user) == "promoted"
        assert users.users[user.id].role == "admin"
        changed, made, revoked = users.events
        assert changed.envelope.event_type == "user.role.changed"
        assert made.envelope.event_type == "user.admin.made"
        assert revoked.envelope.event_type == "user.sessions.revoked"
        assert revoked.envelope.payload == {
            "user_id": str(user.id),
            "session_generation": users.users[user.id].session_generation,
        }
        assert await administrators.promote(users.users[user.id]) == "unchanged"
        assert not credentials.stored


@pytest.mark.usefixtures("environment")
class TestCommand:
    async def test_makes_a_password_once(
        self, stubs: StubServices, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(""))
        printed = await make_admin(
            "root@example.org", from_stdin=False, connect=in_memory(stubs.apps())
        )
        [password] = stubs.credentials.stored.values()
        assert password in printed
        [user] = stubs.users.users.values()
        assert (user.role, user.status) == ("admin", "active")
        operator = str(stubs.users.events[-1].envelope.payload["operator"])
        assert operator == f"{getpass.getuser()}@{platform.node()}"

    async def test_takes_one_from_standard_input(
        self, stubs: StubServices, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
        printed = await make_admin(
            "root@example.org", from_stdin=True, connect=in_memory(stubs.apps())
        )
        assert "correct" not in printed
        assert list(stubs.credentials.stored.values()) == ["correct horse battery"]

    async def test_promotes_who_exists(self, stubs: StubServices, user: User) -> None:
        printed = await make_admin(user.email, from_stdin=False, connect=in_memory(stubs.apps()))
        assert "promoted" in printed

    async def test_refuses_a_bad_address_and_a_short_password(
        self, stubs: StubServices, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect = in_memory(stubs.apps())
        with pytest.raises(Refused, match="address"):
            await make_admin("nobody", from_stdin=False, connect=connect)
        monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
        with pytest.raises(Refused, match="password"):
            await make_admin("root@example.org", from_stdin=True, connect=connect)

    def test_says_what_went_wrong_in_one_line(
        self, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        environment.setenv("BACK_POSTGRES_URL", "http://127.0.0.1:9")
        assert main(["root@example.org"]) == 1
        assert capsys.readouterr().err == "back-postgres can't be reached at present.\n"
        assert main(["nobody"]) == 1
        assert "can't be used" in capsys.readouterr().err
