import re
from datetime import datetime, timedelta
from html.parser import HTMLParser
from uuid import uuid4

import pytest

from features.email_verification.domain import MailTokenService
from shared.kit.errors import InvalidRequest, NotFound
from shared.models.base import now
from shared.models.user import User
from shared.testing.asgi_client import AsgiReply
from tests.conftest import EMAIL, Stack
from tests.fakes import FakeMailTokens, FakeVerifications, PostgresState

PAGE = "/auth/verify-email"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Clock:
    def __init__(self) -> None:
        self.at = now()

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service(postgres: PostgresState, clock: Clock) -> MailTokenService:
    return MailTokenService(
        FakeMailTokens(postgres),
        FakeVerifications(postgres),
        key="a key of a test",
        expires_in=timedelta(days=1),
        clock=clock,
    )


@pytest.fixture
def user(postgres: PostgresState) -> User:
    return postgres.add_user(EMAIL, "hash", status="pending_verification")


class TestMint:
    async def test_keeps_only_a_hash(
        self, service: MailTokenService, user: User, postgres: PostgresState, clock: Clock
    ) -> None:
        minted = await service.mint(user.id, "verify_email", uuid4())
        assert len(minted.token) == 43
        assert minted.expires_at == clock.at + timedelta(days=1)
        assert minted.token not in str(postgres)

    async def test_a_repeat_for_an_event_gives_the_same_token_with_a_later_end(
        self, service: MailTokenService, user: User, postgres: PostgresState, clock: Clock
    ) -> None:
        event_id = uuid4()
        first = await service.mint(user.id, "verify_email", event_id)
        clock.at += timedelta(hours=30)
        second = await service.mint(user.id, "verify_email", event_id)
        assert second.token == first.token
        assert second.expires_at == first.expires_at + timedelta(hours=30)
        assert (await service.verify_email(first.token)).status == "active"

    async def test_no_two_events_users_or_keys_share_a_token(
        self, service: MailTokenService, user: User, postgres: PostgresState
    ) -> None:
        event_id = uuid4()
        other = postgres.add_user("grace@example.org", "hash", status="pending_verification")
        rekeyed = MailTokenService(
            FakeMailTokens(postgres),
            FakeVerifications(postgres),
            key="another key",
            expires_in=timedelta(days=1),
        )
        minted = [
            await service.mint(user.id, "verify_email", event_id),
            await service.mint(user.id, "verify_email", uuid4()),
            await service.mint(other.id, "verify_email", event_id),
            await rekeyed.mint(user.id, "verify_email", event_id),
        ]
        assert len({it.token for it in minted}) == 4

    async def test_needs_a_user(self, service: MailTokenService) -> None:
        with pytest.raises(NotFound):
            await service.mint(uuid4(), "verify_email", uuid4())


class TestVerifyEmail:
    async def test_makes_the_user_active_and_leaves_an_event(
        self, service: MailTokenService, user: User, postgres: PostgresState
    ) -> None:
        minted = await service.mint(user.id, "verify_email", uuid4())
        verified = await service.verify_email(minted.token)
        assert (verified.user_id, verified.status) == (user.id, "active")
        assert postgres.users[user.id].status == "active"
        [event] = postgres.published("user.verified")
        assert event.payload == {"user_id": str(user.id)}

    async def test_a_repeat_answers_the_same_even_after_the_end(
        self, service: MailTokenService, user: User, postgres: PostgresState, clock: Clock
    ) -> None:
        minted = await service.mint(user.id, "verify_email", uuid4())
        first = await service.verify_email(minted.token)
        clock.at += timedelta(days=2)
        assert await service.verify_email(minted.token) == first
        assert len(postgres.published("user.verified")) == 1

    async def test_ends_after_its_time(
        self, service: MailTokenService, user: User, postgres: PostgresState, clock: Clock
    ) -> None:
        minted = await service.mint(user.id, "verify_email", uuid4())
        clock.at = minted.expires_at
        with pytest.raises(InvalidRequest, match=r"^verification_token_expired"):
            await service.verify_email(minted.token)
        assert postgres.users[user.id].status == "pending_verification"

    async def test_an_unknown_one_is_refused(self, service: MailTokenService) -> None:
        with pytest.raises(InvalidRequest, match=r"^verification_token_invalid"):
            await service.verify_email("x" * 43)

    async def test_one_that_another_command_spent_is_refused(
        self, service: MailTokenService, user: User, postgres: PostgresState
    ) -> None:
        minted = await service.mint(user.id, "verify_email", uuid4())
        await service.verify_email(minted.token)
        postgres.answers.clear()
        with pytest.raises(InvalidRequest, match=r"^verification_token_invalid"):
            await service.verify_email(minted.token)


async def mint(stack: Stack, user: User) -> str:
    reply = await stack.client.post(
        "/internal/mail-tokens",
        json={"user_id": str(user.id), "purpose": "verify_email"},
        headers=stack.keys.assertion(caller="back-workers", to="back-auth"),
    )
    assert reply.status == 201
    return str(reply.json()["token"])


class TestHttp:
    async def test_only_back_workers_may_mint(self, stack: Stack) -> None:
        body = {"user_id": str(uuid4()), "purpose": "verify_email"}
        assert (await stack.client.post("/internal/mail-tokens", json=body)).status == 401
        headers = stack.keys.assertion(caller="back-api", to="back-auth")
        reply = await stack.client.post("/internal/mail-tokens", json=body, headers=headers)
        assert reply.status == 403

    async def test_from_registration_to_login(self, stack: Stack) -> None:
        user = await stack.add_user(status="pending_verification")
        refused = await stack.log_in()
        assert (refused.status, refused.json()["code"]) == (403, "email_not_verified")
        token = await mint(stack, user)
        for _ in range(2):
            reply = await stack.client.post(PAGE, json={"token": token})
            assert reply.status == 200
            assert reply.json() == {"user_id": str(user.id), "status": "active"}
        assert (await stack.log_in()).status == 200

    async def test_an_unknown_token_is_400(self, stack: Stack) -> None:
        reply = await stack.client.post(PAGE, json={"token": "x" * 43})
        assert (reply.status, reply.json()["code"]) == (400, "verification_token_invalid")

    @pytest.mark.parametrize("token", ["", "x" * 257, "a\nb", 7, None])
    async def test_what_can_be_no_token_is_422(self, stack: Stack, token: object) -> None:
        assert (await stack.client.post(PAGE, json={"token": token})).status == 422


class Page(HTMLParser):
    """The parts of a page that matter here."""

    def __init__(self, reply: AsgiReply) -> None:
        super().__init__()
        self.fields: dict[str, str | None] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(reply.text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.tags.append((tag, found))
        if tag == "input":
            self.fields[str(found["name"])] = found["value"]

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def assert_safe(reply: AsgiReply) -> None:
    """The page loads no resources, sends no referrer and is not cached."""
    page = Page(reply)
    policy = reply.headers["content-security-policy"]
    nonces = set(re.findall(r"'nonce-([^']+)'", policy))
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert len(nonces) == 1
    for tag, attributes in page.tags:
        assert not {"src", "href", "style"} & attributes.keys()
        assert not any(name.startswith("on") for name in attributes)
        if tag in {"script", "style"}:
            assert {attributes["nonce"]} == nonces
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    [html] = page.all("html")
    assert html["lang"] == "en"


class TestPage:
    async def test_opening_it_confirms_nothing(self, stack: Stack) -> None:
        user = await stack.add_user(status="pending_verification")
        token = await mint(stack, user)
        reply = await stack.client.get(PAGE, params={"token": token})
        assert reply.status == 200
        assert_safe(reply)
        page = Page(reply)
        assert page.fields == {"token": token}
        assert page.all("form") == [{"method": "post", "action": PAGE}]
        assert len(page.all("button")) == 1
        assert stack.postgres.users[user.id].status == "pending_verification"

    async def test_two_pages_share_no_nonce(self, stack: Stack) -> None:
        policies = {
            (await stack.client.get(PAGE, params={"token": "x"})).headers["content-security-policy"]
            for _ in range(2)
        }
        assert len(policies) == 2

    async def test_a_token_can_not_become_markup(self, stack: Stack) -> None:
        token = "\"><script>alert('1')</script>{nonce}"
        reply = await stack.client.get(PAGE, params={"token": token})
        assert Page(reply).fields == {"token": token}
        assert len(Page(reply).all("script")) == 1
        assert_safe(reply)

    @pytest.mark.parametrize("token", [None, "", "x" * 257, "a\x00b"])
    async def test_a_broken_link_is_said_to_be_one(self, stack: Stack, token: str | None) -> None:
        params = {} if token is None else {"token": token}
        reply = await stack.client.get(PAGE, params=params)
        assert reply.status == 400
        assert "not complete" in reply.text
        assert Page(reply).all("form") == []
        assert_safe(reply)

    async def test_the_form_confirms_without_javascript(self, stack: Stack) -> None:
        user = await stack.add_user(status="pending_verification")
        token = await mint(stack, user)
        reply = await stack.client.post(PAGE, content=f"token={token}".encode(), headers=FORM)
        assert reply.status == 200
        assert "Your address is confirmed" in reply.text
        assert_safe(reply)
        assert stack.postgres.users[user.id].status == "active"

    @pytest.mark.parametrize("body", [b"", b"token=", b"token=" + b"x" * 43, b"\xff\xfe&&=="])
    async def test_the_form_says_readably_what_is_wrong(self, stack: Stack, body: bytes) -> None:
        reply = await stack.client.post(
            PAGE, content=body, headers={"Content-Type": f"{FORM['Content-Type']}; charset=utf-8"}
        )
        assert reply.status == 400
        assert "That did not work" in reply.text
        assert_safe(reply)

    async def test_the_form_says_readably_that_something_is_down(self, stack: Stack) -> None:
        with stack.postgres.outage():
            reply = await stack.client.post(PAGE, content=b"token=x", headers=FORM)
        assert reply.status == 503
        assert_safe(reply)
