"""`GET /api/users/me`, and which access tokens are accepted."""

import time
from uuid import UUID, uuid4

import pytest
from stub_services import StubServices

from shared.models.auth import Revocation
from shared.models.user import User
from shared.testing.asgi_client import AsgiClient


class TestMe:
    async def test_tells_who_asks(self, api: AsgiClient, stubs: StubServices, user: User) -> None:
        bearer = stubs.bearer(user.id, permissions=("profile:write", "profile:read"))
        reply = await api.get("/api/users/me", headers=bearer)
        assert reply.status == 200
        assert reply.json() == {
            "id": str(user.id),
            "email": user.email,
            "role": "user",
            "permissions": ["profile:read", "profile:write"],
            "status": "active",
            "created_at": user.created_at.isoformat().replace("+00:00", "Z"),
        }

    async def test_a_user_who_is_gone_is_nobody(self, api: AsgiClient, stubs: StubServices) -> None:
        reply = await api.get("/api/users/me", headers=stubs.bearer(uuid4()))
        assert reply.status == 401
        assert reply.json()["code"] == "account_gone"

    async def test_a_session_that_ended_is_refused(
        self, api: AsgiClient, stubs: StubServices, user_id: UUID
    ) -> None:
        sid = uuid4()
        bearer = stubs.bearer(user_id, sid=sid)
        assert (await api.get("/api/users/me", headers=bearer)).status == 200
        await stubs.revocations.put(Revocation(sid=sid))
        deadline = time.monotonic() + 20
        while (reply := await api.get("/api/users/me", headers=bearer)).status == 200:
            assert time.monotonic() < deadline, "the revocation is not heard"
        assert reply.status == 401
        assert reply.json()["code"] == "session_revoked"

    @pytest.mark.parametrize("header", ["Bearer x", "Bearer a.b.c", "Basic abc", "Bearer "])
    async def test_garbage_is_no_token(self, api: AsgiClient, header: str) -> None:
        reply = await api.get("/api/users/me", headers={"Authorization": header})
        assert reply.status == 401


class TestHealth:
    async def test_names_the_state_of_the_stack(self, api: AsgiClient) -> None:
        found = (await api.get("/health")).json()
        assert found["service"] == "back-api"
        dependencies = found["dependencies"]
        assert isinstance(dependencies, list)
        names = {entry["name"] for entry in dependencies if isinstance(entry, dict)}
        assert names >= {"back-auth", "back-postgres", "back-cassandra", "back-redis"}
