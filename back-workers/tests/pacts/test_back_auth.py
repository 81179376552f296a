"""What back-workers asks back-auth: a fresh token for the mail that is being written."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from mailing.mail_sender import ServiceAccounts
from shared.models.auth import MintMailToken
from shared.testing.pacts import ConsumerPact, reply, state

EMAIL = "ada@example.org"
USER = UUID("a0000000-0000-4000-8000-000000000001")


@pytest.fixture(scope="module")
def pact() -> ConsumerPact:
    return ConsumerPact("back-workers", "back-auth")


async def test_a_token_for_a_mail(pact: ConsumerPact) -> None:
    async with pact.exchange(
        "a token for a confirmation mail",
        given=[
            state("a user exists", id=USER, email=EMAIL, role="user", status="pending_verification")
        ],
        asks="POST /internal/mail-tokens",
        sends=MintMailToken(user_id=USER, purpose="verify_email"),
        answers=reply(201, {"token": "secret", "expires_at": datetime(2026, 1, 2, tzinfo=UTC)}),
    ) as auth:
        assert await ServiceAccounts(auth, auth).verification_token(USER) == "secret"


def test_the_pact_is_kept(pact: ConsumerPact) -> None:
    pact.must_be_kept()
