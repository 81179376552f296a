"""What users do with their sessions, and admins with users, through the gateway alone."""

from collections.abc import Callable

import httpx

from tests.stack import PASSWORD, Visitor, code_of, until


async def refused(visitor: Visitor) -> str:
    """The code with which the visitor's access token is refused, once it is."""

    async def look() -> httpx.Response | None:
        reply = await visitor.get("/api/users/me")
        return reply if reply.status_code == 401 else None

    return code_of(await until(look, within=40))


async def second_session(user: Visitor, visitors: Callable[..., Visitor]) -> Visitor:
    again = visitors(user.email)
    assert (await again.log_in()).status_code == 200
    return again


class TestSessionsOfAUser:
    async def test_one_is_ended_from_another(
        self, user: Visitor, visitors: Callable[..., Visitor]
    ) -> None:
        other = await second_session(user, visitors)
        sessions = (await user.get("/auth/sessions")).json()["items"]
        assert [it["current"] for it in sessions] == [False, True]

        path = f"/auth/sessions/{sessions[0]['id']}"
        assert (await user.http.delete(path, headers=user.bearer)).status_code == 204

        assert await refused(other) == "session_revoked"
        assert code_of(await other.refresh()) == "refresh_token_invalid"
        assert (await user.get("/api/users/me")).status_code == 200

    async def test_all_others_are_ended(
        self, user: Visitor, visitors: Callable[..., Visitor]
    ) -> None:
        others = [await second_session(user, visitors) for _ in range(2)]
        reply = await user.http.delete("/auth/sessions", headers=user.bearer)
        assert reply.status_code == 204
        assert [await refused(other) for other in others] == ["session_revoked"] * 2
        assert (await user.refresh()).status_code == 200
        [left] = (await user.get("/auth/sessions")).json()["items"]
        assert left["current"]


class TestPassword:
    async def test_a_new_one_ends_the_other_sessions(
        self, user: Visitor, visitors: Callable[..., Visitor]
    ) -> None:
        other = await second_session(user, visitors)
        new = "another password of the visitor"
        wrong = await user.post("/auth/password", {"current": new, "new": new})
        assert (wrong.status_code, code_of(wrong)) == (403, "wrong_password")

        changed = await user.post("/auth/password", {"current": PASSWORD, "new": new})

        assert changed.status_code == 204
        assert code_of(await other.refresh()) == "refresh_token_invalid"
        assert (await user.refresh()).status_code == 200
        assert (await user.get("/api/users/me")).status_code == 200
        assert code_of(await other.log_in()) == "invalid_credentials"
        assert (await other.log_in(new)).status_code == 200


class TestUsersOfAnAdmin:
    async def test_one_is_found_suspended_and_restored(self, admin: Visitor, user: Visitor) -> None:
        [found] = (await admin.get("/api/admin/users", search=user.email)).json()["items"]
        path = f"/api/admin/users/{found['id']}"

        suspended = await admin.patch(path, {"status": "suspended"})
        assert suspended.json()["status"] == "suspended"
        assert await refused(user) == "session_revoked"
        assert code_of(await user.log_in()) == "account_suspended"

        assert (await admin.patch(path, {"status": "active"})).json()["status"] == "active"
        assert (await user.log_in()).status_code == 200

        async def audited() -> list[str] | None:
            page = await admin.get("/api/admin/audit", user_id=found["id"])
            types = [entry["event_type"] for entry in page.json()["items"]]
            return types if types.count("user.administered") == 2 else None

        assert await until(audited, within=40)

    async def test_a_new_role_comes_with_the_next_login(
        self, admin: Visitor, user: Visitor
    ) -> None:
        [found] = (await admin.get("/api/admin/users", search=user.email)).json()["items"]
        path = f"/api/admin/users/{found['id']}"
        assert code_of(await user.get("/api/admin/users")) == "permission_missing"
        assert (await admin.patch(path, {"role": "admin"})).status_code == 200
        assert await refused(user) == "session_revoked"
        assert (await user.log_in()).status_code == 200
        assert (await user.get("/api/admin/users")).status_code == 200
        assert (await admin.patch(path, {"role": "user"})).status_code == 200
        assert await refused(user) == "session_revoked"

    async def test_admins_do_not_change_themselves(self, admin: Visitor) -> None:
        me = (await admin.get("/api/users/me")).json()
        reply = await admin.patch(f"/api/admin/users/{me['id']}", {"role": "user"})
        assert (reply.status_code, code_of(reply)) == (409, "own_account")
