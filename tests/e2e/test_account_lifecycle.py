"""A forgotten password, a copy of one's own data, and the end of an account, by the gateway."""

from collections.abc import Callable

import httpx

from shared.models.account_export import AccountExport
from tests.stack import PASSWORD, Mail, Visitor, code_of, until

NEW = "another password of the visitor"
PROFILE = {"first_name": "Ada", "last_name": "Lovelace", "language": "es", "timezone": "UTC"}


async def mail_about(user: Visitor, *subjects: str, count: int = 1) -> list[Mail]:
    async def arrived() -> list[Mail] | None:
        found = [it for it in await user.mailbox.to(user.email) if it.subject in subjects]
        return found if len(found) >= count else None

    return await until(arrived, within=40)


async def confirm(user: Visitor, token: str, password: str = NEW) -> httpx.Response:
    body = {"token": token, "password": password}
    return await user.http.post("/auth/password-reset/confirm", json=body)


async def refused(user: Visitor) -> str:
    """The code with which the access token is refused, once it is."""

    async def look() -> httpx.Response | None:
        reply = await user.get("/api/tasks")
        return reply if reply.status_code == 401 else None

    return code_of(await until(look, within=40))


class TestForgottenPassword:
    async def test_is_set_by_the_link_of_a_mail_which_ends_all_sessions(
        self, user: Visitor, visitors: Callable[..., Visitor]
    ) -> None:
        await user.post("/api/profile", PROFILE)
        stranger = visitors()
        replies = [
            await it.http.post("/auth/password-reset", json={"email": it.email})
            for it in (user, stranger)
        ]
        assert [it.status_code for it in replies] == [202, 202]
        assert replies[0].content == replies[1].content
        [mail] = await mail_about(user, "Elige otra contraseña")

        assert code_of(await confirm(user, "not a token")) == "reset_token_invalid"
        assert (await confirm(user, mail.token)).status_code == 204

        assert await refused(user) == "session_revoked"
        assert code_of(await user.refresh()) == "refresh_token_invalid"
        assert code_of(await user.log_in()) == "invalid_credentials"
        assert (await user.log_in(NEW)).status_code == 200
        assert code_of(await confirm(user, mail.token)) == "reset_token_invalid"
        await mail_about(user, "Your password was changed", "Tu contraseña ha cambiado")
        assert await user.mailbox.to(stranger.email) == []


class TestOwnData:
    async def test_is_given_as_one_document(self, admin: Visitor, user: Visitor) -> None:
        await user.post("/api/profile", PROFILE)
        me = (await user.get("/api/users/me")).json()
        await admin.post(
            f"/api/admin/users/{me['id']}/notify", {"title": "For your copy", "body": "Hola"}
        )

        async def complete() -> AccountExport | None:
            reply = await user.get("/api/users/me/export")
            assert reply.status_code == 200, reply.text
            found = AccountExport.model_validate_json(reply.content)
            told = "For your copy" in [it.title for it in found.notifications]
            return found if told and found.audit else None

        document = await until(complete, within=40)
        assert document.account.email == user.email
        assert document.account.terms_version
        assert document.profile
        assert document.profile.last_name == "Lovelace"
        assert [it.current for it in document.sessions] == [True]
        assert {str(it.user_id) for it in document.audit} == {me["id"]}


class TestDeletion:
    async def test_an_account_is_gone_and_its_address_is_free(
        self, admin: Visitor, user: Visitor, visitors: Callable[..., Visitor]
    ) -> None:
        await user.post("/api/profile", PROFILE)
        me = (await user.get("/api/users/me")).json()
        wrong = await user.delete("/api/users/me", {"password": NEW})
        assert (wrong.status_code, code_of(wrong)) == (403, "wrong_password")

        deleted = await user.delete("/api/users/me", {"password": PASSWORD})

        assert (deleted.status_code, deleted.json()["status"]) == (202, "deleting")
        assert await refused(user) == "session_revoked"
        assert code_of(await user.refresh()) == "refresh_token_invalid"
        assert code_of(await user.log_in()) == "invalid_credentials"
        assert (await admin.get(f"/api/admin/users/{me['id']}")).status_code == 404
        assert (await admin.get("/api/admin/users", search=user.email)).json()["items"] == []

        async def impersonal() -> bool | None:
            page = await admin.get("/api/admin/audit", user_id=me["id"], limit=200)
            entries = page.json()["items"]
            deletion = "user.deleted" in [it["event_type"] for it in entries]
            personal = any({"network", "device"} & it["payload"].keys() for it in entries)
            return True if deletion and not personal else None

        assert await until(impersonal, within=60)

        again = visitors(user.email)
        assert (await again.register()).status_code == 202
        mails = await mail_about(again, "Confirm your address", count=2)
        body = {"token": mails[-1].token, "password": PASSWORD}
        assert (await again.http.post("/auth/verify-email", json=body)).status_code == 200
        assert (await again.log_in()).status_code == 200
        assert (await again.get("/api/users/me")).json()["id"] != me["id"]
        assert (await again.get("/api/profile")).status_code == 404
