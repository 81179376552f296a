import re
from datetime import datetime, timedelta
from html.parser import HTMLParser
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest

from features.email_verification.domain import MailTokenService
from shared.kit.errors import InvalidRequest, NotFound, Unauthenticated
from shared.models.base import now
from shared.testing.asgi_client import AsgiReply
from tests.conftest import EMAIL, PASSWORD, Stack
from tests.fakes import FakeMailTokens, FakePasswords, FakeVerifications, PostgresState

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


TRIES_MAX = 10


def service_over(postgres: PostgresState, clock: Clock, key: str = "a key") -> MailTokenService:
    return MailTokenService(
        FakeMailTokens(postgres),
        FakeVerifications(postgres),
        FakePasswords(),
        key=key,
        lifetimes={"verify_email": timedelta(days=2)},
        tries_max=TRIES_MAX,
        clock=clock,
    )


@pytest.fixture
def service(postgres: PostgresState, clock: Clock) -> MailTokenService:
    return service_over(postgres, clock)


@pytest.fixture
def registered(postgres: PostgresState) -> UUID:
    """A registration with PASSWORD."""
    return postgres.add_registration(EMAIL, f"v1:{PASSWORD}")


class TestMint:
    async def test_keeps_only_a_hash(
        self, service: MailTokenService, registered: UUID, postgres: PostgresState, clock: Clock
    ) -> None:
        minted = await service.mint(registered, "verify_email", uuid4())
        assert len(minted.token) == 43
        assert minted.expires_at == clock.at + timedelta(days=2)
        assert minted.token not in str(postgres)

    async def test_a_repeat_for_an_event_gives_the_same_token_with_a_later_end(
        self, service: MailTokenService, registered: UUID, clock: Clock
    ) -> None:
        event_id = uuid4()
        first = await service.mint(registered, "verify_email", event_id)
        clock.at += timedelta(hours=54)
        second = await service.mint(registered, "verify_email", event_id)
        assert second.token == first.token
        assert second.expires_at == first.expires_at + timedelta(hours=54)
        assert (await service.verify_email(first.token, PASSWORD)).status == "active"

    async def test_no_two_events_registrations_or_keys_share_a_token(
        self, service: MailTokenService, registered: UUID, postgres: PostgresState, clock: Clock
    ) -> None:
        event_id, other = uuid4(), postgres.add_registration(EMAIL, "v1:other")
        minted = [
            await service.mint(registered, "verify_email", event_id),
            await service.mint(registered, "verify_email", uuid4()),
            await service.mint(other, "verify_email", event_id),
            await service_over(postgres, clock, "another key").mint(
                registered, "verify_email", event_id
            ),
        ]
        assert len({it.token for it in minted}) == 4

    async def test_needs_a_registration(self, service: MailTokenService) -> None:
        with pytest.raises(NotFound):
            await service.mint(uuid4(), "verify_email", uuid4())


class TestVerifyEmail:
    async def test_makes_a_user_and_leaves_an_event(
        self, service: MailTokenService, registered: UUID, postgres: PostgresState
    ) -> None:
        minted = await service.mint(registered, "verify_email", uuid4())
        verified = await service.verify_email(minted.token, PASSWORD)
        assert (verified.user_id, verified.status) == (registered, "active")
        assert postgres.users[registered].email == EMAIL
        [event] = postgres.published("user.verified")
        assert event.payload == {"user_id": str(registered)}

    async def test_a_wrong_password_makes_none_and_leaves_the_token(
        self, service: MailTokenService, registered: UUID, postgres: PostgresState
    ) -> None:
        minted = await service.mint(registered, "verify_email", uuid4())
        with pytest.raises(Unauthenticated, match=r"^invalid_credentials"):
            await service.verify_email(minted.token, "wrong")
        assert postgres.users == {}
        assert await service.verify_email(minted.token, PASSWORD)

    async def test_the_password_says_which_registration_of_the_address_is_confirmed(
        self, service: MailTokenService, registered: UUID, postgres: PostgresState
    ) -> None:
        strangers = postgres.add_registration(EMAIL, "v1:strangers")
        minted = await service.mint(strangers, "verify_email", uuid4())
        verified = await service.verify_email(minted.token, PASSWORD)
        assert verified.user_id == registered
        assert postgres.hashes[registered] == f"v1:{PASSWORD}"
        assert postgres.registrations == {}

    async def test_a_password_of_another_address_confirms_nothing(
        self, service: MailTokenService, registered: UUID, postgres: PostgresState
    ) -> None:
        postgres.add_registration("grace@example.org", "v1:of grace")
        minted = await service.mint(registered, "verify_email", uuid4())
        with pytest.raises(Unauthenticated):
            await service.verify_email(minted.token, "of grace")

    async def test_a_repeat_answers_the_same_even_after_the_end(
        self, service: MailTokenService, registered: UUID, postgres: PostgresState, clock: Clock
    ) -> None:
        minted = await service.mint(registered, "verify_email", uuid4())
        first = await service.verify_email(minted.token, PASSWORD)
        clock.at += timedelta(days=3)
        assert await service.verify_email(minted.token, PASSWORD) == first
        assert len(postgres.published("user.verified")) == 1
        with pytest.raises(Unauthenticated):
            await service.verify_email(minted.token, "wrong")

    async def test_ends_after_its_time(
        self, service: MailTokenService, registered: UUID, postgres: PostgresState, clock: Clock
    ) -> None:
        minted = await service.mint(registered, "verify_email", uuid4())
        clock.at = minted.expires_at
        with pytest.raises(InvalidRequest, match=r"^verification_token_expired"):
            await service.verify_email(minted.token, PASSWORD)
        assert postgres.users == {}

    async def test_ends_after_its_tries(
        self, service: MailTokenService, registered: UUID, postgres: PostgresState
    ) -> None:
        minted = await service.mint(registered, "verify_email", uuid4())
        for _ in range(TRIES_MAX):
            with pytest.raises(Unauthenticated):
                await service.verify_email(minted.token, "wrong")
        with pytest.raises(InvalidRequest, match=r"^verification_token_exhausted"):
            await service.verify_email(minted.token, PASSWORD)
        another = await service.mint(registered, "verify_email", uuid4())
        assert await service.verify_email(another.token, PASSWORD)

    async def test_an_unknown_one_is_refused(self, service: MailTokenService) -> None:
        with pytest.raises(InvalidRequest, match=r"^verification_token_invalid"):
            await service.verify_email("x" * 43, PASSWORD)

    async def test_is_refused_when_no_registration_is_left(
        self, service: MailTokenService, registered: UUID, postgres: PostgresState
    ) -> None:
        minted = await service.mint(registered, "verify_email", uuid4())
        postgres.registrations.clear()
        with pytest.raises(InvalidRequest, match=r"^verification_token_invalid"):
            await service.verify_email(minted.token, PASSWORD)

    async def test_is_refused_when_the_address_was_taken_meanwhile(
        self, service: MailTokenService, registered: UUID, postgres: PostgresState
    ) -> None:
        minted = await service.mint(registered, "verify_email", uuid4())
        postgres.add_user(EMAIL, "v1:operators", status="active")
        with pytest.raises(InvalidRequest, match=r"^verification_token_invalid"):
            await service.verify_email(minted.token, PASSWORD)


class TestHttp:
    async def test_only_back_workers_may_mint(self, stack: Stack) -> None:
        body = {"user_id": str(uuid4()), "purpose": "verify_email"}
        assert (await stack.client.post("/internal/mail-tokens", json=body)).status == 401
        headers = stack.keys.assertion(caller="back-api", to="back-auth")
        reply = await stack.client.post("/internal/mail-tokens", json=body, headers=headers)
        assert reply.status == 403

    async def test_from_registration_to_login(self, stack: Stack) -> None:
        user_id = await stack.add_registration()
        refused, unknown = await stack.log_in(), await stack.log_in("nobody@example.org")
        assert refused.status == 401
        assert refused.json()["code"] == unknown.json()["code"] == "invalid_credentials"
        token = await stack.mint(user_id)
        for _ in range(2):
            reply = await stack.client.post(PAGE, json={"token": token, "password": PASSWORD})
            assert reply.status == 200
            assert reply.json() == {"user_id": str(user_id), "status": "active"}
        assert (await stack.log_in()).status == 200

    async def test_a_wrong_password_is_401(self, stack: Stack) -> None:
        token = await stack.mint(await stack.add_registration())
        reply = await stack.client.post(PAGE, json={"token": token, "password": "wrong"})
        assert (reply.status, reply.json()["code"]) == (401, "invalid_credentials")

    async def test_an_unknown_token_is_400(self, stack: Stack) -> None:
        reply = await stack.client.post(PAGE, json={"token": "x" * 43, "password": PASSWORD})
        assert (reply.status, reply.json()["code"]) == (400, "verification_token_invalid")

    @pytest.mark.parametrize(
        "change",
        [{"token": token} for token in ("", "x" * 257, "a\nb", 7, None)]
        + [{"password": password} for password in ("", "x" * 129, "a\u0000b", 7, None)],
    )
    async def test_what_can_be_none_is_422(self, stack: Stack, change: dict[str, object]) -> None:
        body = {"token": "x" * 43, "password": PASSWORD} | change
        assert (await stack.client.post(PAGE, json=body)).status == 422


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
            self.fields[str(found["name"])] = found.get("value")

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
        token = await stack.mint(await stack.add_registration())
        reply = await stack.client.get(PAGE, params={"token": token})
        assert reply.status == 200
        assert_safe(reply)
        page = Page(reply)
        assert page.fields == {"token": token, "password": None}
        assert page.all("form") == [{"method": "post", "action": PAGE}]
        assert len(page.all("button")) == 1
        assert page.all("label") == [{"for": "password"}]
        assert stack.postgres.users == {}

    async def test_two_pages_share_no_nonce(self, stack: Stack) -> None:
        policies = {
            (await stack.client.get(PAGE, params={"token": "x"})).headers["content-security-policy"]
            for _ in range(2)
        }
        assert len(policies) == 2

    async def test_a_token_can_not_become_markup(self, stack: Stack) -> None:
        token = "\"><script>alert('1')</script>{nonce}"
        reply = await stack.client.get(PAGE, params={"token": token})
        assert Page(reply).fields["token"] == token
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
        user_id = await stack.add_registration()
        body = urlencode({"token": await stack.mint(user_id), "password": PASSWORD}).encode()
        reply = await stack.client.post(PAGE, content=body, headers=FORM)
        assert reply.status == 200
        assert "Your address is confirmed" in reply.text
        assert_safe(reply)
        assert user_id in stack.postgres.users

    @pytest.mark.parametrize("password", ["wrong", ""])
    async def test_the_form_asks_again_after_a_wrong_password(
        self, stack: Stack, password: str
    ) -> None:
        token = await stack.mint(await stack.add_registration())
        body = urlencode({"token": token, "password": password}).encode()
        reply = await stack.client.post(PAGE, content=body, headers=FORM)
        assert reply.status == 401
        assert "password that you registered with." in reply.text
        assert Page(reply).fields["token"] == token
        assert_safe(reply)

    @pytest.mark.parametrize(
        "body", [b"", b"token=", b"password=y&token=" + b"x" * 43, b"\xff\xfe&&=="]
    )
    async def test_the_form_says_readably_what_is_wrong(self, stack: Stack, body: bytes) -> None:
        reply = await stack.client.post(
            PAGE, content=body, headers={"Content-Type": f"{FORM['Content-Type']}; charset=utf-8"}
        )
        assert reply.status == 400
        assert "That did not work" in reply.text
        assert_safe(reply)

    async def test_the_form_says_readably_that_something_is_down(self, stack: Stack) -> None:
        with stack.postgres.outage():
            reply = await stack.client.post(PAGE, content=b"token=x&password=y", headers=FORM)
        assert reply.status == 503
        assert_safe(reply)
