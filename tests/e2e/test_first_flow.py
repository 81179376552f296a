"""The first flow of a user, from signing up to a live event, through the gateway alone."""

import asyncio
import base64
import json
from collections.abc import Callable

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.stack import PASSWORD, Mailbox, Visitor, code_of, until

PROFILE = {"first_name": "Ada", "last_name": "Lovelace", "timezone": "Europe/London"}


def claims_of(token: str) -> dict[str, object]:
    body = token.split(".")[1]
    found = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert isinstance(found, dict)
    return found


class TestSigningUp:
    async def test_the_mail_arrives_and_confirms(self, visitor: Visitor, mailbox: Mailbox) -> None:
        reply = await visitor.register()
        assert reply.status_code == 202
        assert reply.json()["status"] == "pending_verification"
        mail = await mailbox.first_to(visitor.email)
        assert code_of(await visitor.log_in()) == "invalid_credentials"

        page = await visitor.http.get("/auth/verify-email", params={"token": mail.token})
        assert page.status_code == 200
        assert "text/html" in page.headers["content-type"]
        assert code_of(await visitor.log_in()) == "invalid_credentials", "looking confirms nothing"

        body = {"token": mail.token, "password": "another password"}
        refused = await visitor.http.post("/auth/verify-email", json=body)
        assert (refused.status_code, code_of(refused)) == (401, "invalid_credentials")
        confirmed = await visitor.confirm()
        assert confirmed.json() == {"user_id": reply.json()["user_id"], "status": "active"}
        again = await visitor.confirm()
        assert again.json() == confirmed.json()
        assert (await visitor.log_in()).status_code == 200

    async def test_the_page_confirms_without_javascript(
        self, visitor: Visitor, mailbox: Mailbox
    ) -> None:
        await visitor.register()
        mail = await mailbox.first_to(visitor.email)
        form = {"token": mail.token, "password": PASSWORD}
        posted = await visitor.http.post("/auth/verify-email", data=form)
        assert posted.status_code == 200
        assert "text/html" in posted.headers["content-type"]
        assert (await visitor.log_in()).status_code == 200

    async def test_a_taken_address_is_mailed_to_its_owner_alone(
        self, user: Visitor, visitors: Callable[..., Visitor], mailbox: Mailbox
    ) -> None:
        other = visitors(user.email.upper())
        reply = await other.register()
        assert reply.status_code == 202
        assert reply.json()["status"] == "pending_verification"
        me = (await user.get("/api/users/me")).json()
        assert reply.json()["user_id"] != me["id"]

        async def second() -> bool | None:
            return len(await mailbox.to(user.email)) == 2 or None

        await until(second, within=40)
        first, again = await mailbox.to(user.email)
        assert first.message_id != again.message_id
        assert "token=" not in again.text

    async def test_the_correlation_id_is_in_the_mail(
        self, visitor: Visitor, mailbox: Mailbox
    ) -> None:
        await visitor.register(**{"X-Correlation-ID": "e2e-correlation-1"})
        mail = await mailbox.first_to(visitor.email)
        by_name = {name.lower(): values for name, values in mail.headers.items()}
        assert by_name["x-correlation-id"] == ["e2e-correlation-1"]


class TestSessions:
    async def test_the_token_has_subject_and_lifetime(self, user: Visitor) -> None:
        me = (await user.get("/api/users/me")).json()
        claims = claims_of(user.access_token)
        assert claims["sub"] == me["id"]
        assert claims["role"] == me["role"] == "user"
        assert claims["permissions"] == me["permissions"]
        issued, expires = claims["iat"], claims["exp"]
        assert isinstance(issued, int)
        assert expires == issued + 900
        assert me["email"] == user.email
        assert me["status"] == "active"

    async def test_a_spent_refresh_token_ends_the_session_once_its_successor_was_used(
        self, user: Visitor
    ) -> None:
        spent = user.refresh_token
        first, again = await user.refresh(), await user.refresh(spent)
        assert (first.status_code, again.content) == (200, first.content)
        assert (await user.refresh()).status_code == 200
        assert (await user.get("/api/users/me")).status_code == 200
        assert code_of(await user.refresh(spent)) == "refresh_token_invalid"
        assert code_of(await user.refresh()) == "refresh_token_invalid", "the family is revoked"

        async def refused() -> httpx.Response | None:
            reply = await user.get("/api/users/me")
            return reply if reply.status_code == 401 else None

        assert code_of(await until(refused, within=40)) == "session_revoked"

    async def test_after_logout_the_token_is_refused(self, user: Visitor) -> None:
        assert (await user.log_out()).status_code == 204

        async def refused() -> httpx.Response | None:
            api = await user.get("/api/users/me")
            auth = await user.post("/auth/ws-ticket")
            return api if api.status_code == auth.status_code == 401 else None

        assert code_of(await until(refused, within=40)) == "session_revoked"
        assert code_of(await user.refresh()) == "refresh_token_invalid"

    async def test_other_sessions_stay_active(
        self, user: Visitor, visitors: Callable[..., Visitor]
    ) -> None:
        elsewhere = visitors(user.email)
        await elsewhere.log_in()
        await user.log_out()
        assert (await elsewhere.get("/api/users/me")).status_code == 200

    async def test_ten_wrong_passwords_lock_the_account_for_a_while(self, visitor: Visitor) -> None:
        codes = [code_of(await visitor.log_in("wrong password")) for _ in range(11)]
        assert codes == ["invalid_credentials"] * 10 + ["too_many_requests"]
        refused = await visitor.log_in(PASSWORD)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0


class TestProfile:
    async def test_create_read_change(self, user: Visitor) -> None:
        assert code_of(await user.get("/api/profile")) == "profile_not_found"
        created = await user.post("/api/profile", PROFILE)
        assert created.status_code == 201
        assert created.json()["completion"] == 40
        assert code_of(await user.post("/api/profile", PROFILE)) == "profile_exists"
        changed = await user.patch("/api/profile", {"company": "Analytical Engines \U0001f9ee"})
        assert changed.json()["completion"] == 60
        assert (await user.get("/api/profile")).json() == changed.json()

    async def test_another_user_has_their_own(
        self, user: Visitor, visitors: Callable[..., Visitor]
    ) -> None:
        await user.post("/api/profile", PROFILE)
        other = await visitors().sign_up()
        assert code_of(await other.get("/api/profile")) == "profile_not_found"


class TestLive:
    async def test_a_created_profile_arrives_on_the_users_socket_alone(
        self, user: Visitor, visitors: Callable[..., Visitor]
    ) -> None:
        other = await visitors().sign_up()
        async with user.socket() as mine, other.socket() as theirs:
            profile = (await user.post("/api/profile", PROFILE)).json()
            envelope = json.loads(await asyncio.wait_for(mine.recv(), 30))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(theirs.recv(), 0.3)
        assert envelope["event_type"] == "profile.created"
        assert envelope["payload"] == {
            "user_id": profile["user_id"],
            "profile_id": profile["id"],
            "completion": 40,
        }
        assert set(envelope) == {
            "event_id",
            "event_type",
            "version",
            "occurred_at",
            "correlation_id",
            "payload",
        }

    async def test_a_socket_resumes_after_the_last_event(self, user: Visitor) -> None:
        async with user.socket() as socket:
            await user.post("/api/profile", PROFILE)
            first = json.loads(await asyncio.wait_for(socket.recv(), 30))
        await user.patch("/api/profile", {"company": "A"})
        await user.patch("/api/profile", {"company": "B"})
        async with user.socket(since=first["event_id"]) as socket:
            missed = [json.loads(await asyncio.wait_for(socket.recv(), 30)) for _ in range(2)]
        assert [event["event_type"] for event in missed] == ["profile.updated"] * 2

    async def test_a_ticket_opens_one_socket(self, user: Visitor) -> None:
        ticket = (await user.post("/auth/ws-ticket")).json()["ticket"]
        answers = [
            (await user.http.get("/ws/notifications", params={"ticket": used})).status_code
            for used in (ticket, ticket)
        ]
        assert all(400 <= answer < 500 for answer in answers)

    async def test_logging_out_closes_the_socket(self, user: Visitor) -> None:
        async with user.socket() as socket:
            await user.log_out()
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 30)


class TestAudit:
    async def test_an_admin_sees_what_a_user_did(self, admin: Visitor, user: Visitor) -> None:
        me = (await user.get("/api/users/me")).json()

        async def logged() -> list[str] | None:
            page = (await admin.get("/api/admin/audit", user_id=me["id"])).json()
            types = [entry["event_type"] for entry in page["items"]]
            return types if len(types) >= 3 else None

        types = await until(logged, within=40)
        assert types == ["auth.login.succeeded", "user.verified", "user.registered"]

    async def test_pages_have_no_gap(self, admin: Visitor, user: Visitor) -> None:
        me = (await user.get("/api/users/me")).json()
        await user.refresh()
        for _ in range(3):
            await user.log_in()

        async def whole() -> list[str] | None:
            page = (await admin.get("/api/admin/audit", user_id=me["id"], limit=200)).json()
            ids = [entry["event_id"] for entry in page["items"]]
            return ids if len(ids) >= 6 else None

        everything = await until(whole, within=40)
        paged: list[str] = []
        before: dict[str, str] = {}
        while True:
            page = await admin.get("/api/admin/audit", user_id=me["id"], limit=2, **before)
            paged += [entry["event_id"] for entry in page.json()["items"]]
            if page.json()["next"] is None:
                break
            before = {"before": page.json()["next"]}
        assert paged == everything

    async def test_users_are_refused(self, user: Visitor) -> None:
        assert code_of(await user.get("/api/admin/audit")) == "permission_missing"


class TestMaintenance:
    async def test_an_admin_starts_a_maintenance_task_and_reads_its_state(
        self, admin: Visitor
    ) -> None:
        started = await admin.post("/api/admin/maintenance", {"chore": "sweep_credentials"})
        assert started.status_code == 202
        path = f"/api/admin/maintenance/{started.json()['task_id']}"

        async def done() -> str | None:
            state = (await admin.get(path)).json()["state"]
            return state if state in {"succeeded", "failed"} else None

        assert await until(done, within=40) == "succeeded"


class TestHealth:
    async def test_returns_the_state_of_the_stack(self, visitor: Visitor) -> None:
        health = (await visitor.http.get("/health")).json()
        assert health["service"] == "back-api"
        assert health["status"] == "ok", health
