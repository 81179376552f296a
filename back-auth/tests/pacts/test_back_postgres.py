"""What back-auth asks back-postgres: credentials, users, mail tokens."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID

import pytest

from features.email_auth.infrastructure import PostgresAccounts
from features.email_verification.infrastructure import PostgresMailTokens, PostgresVerifications
from features.password_reset.infrastructure import PostgresResets
from features.sessions.infrastructure import PostgresUsers
from features.user_registration.infrastructure import PostgresCredentials
from services.postgres_events import PostgresEvents
from shared.kit.errors import Conflict, NotFound
from shared.models.auth import (
    StoredMailToken,
)
from shared.models.event import Command, NewEvent, Nothing
from shared.models.password_reset import PasswordResetRequested, ResetPassword
from shared.models.registration import ConfirmRegistration, TryMailToken, UserVerified
from shared.models.user import Credential, LookUpUser, PasswordChanged, Rehash, User, UserCredential
from shared.testing.pacts import ConsumerPact, exactly, recorded, refusal, reply, state
from shared.testing.pacts.matching import State

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TOMORROW = datetime(2100, 1, 1, tzinfo=UTC)
COMMAND = UUID("d0000000-0000-4000-8000-000000000001")
CREDENTIAL = UUID("c0000000-0000-4000-8000-000000000001")
FRESH = UUID("c0000000-0000-4000-8000-000000000002")
EMAIL = "ada@example.org"
HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"
USER = UUID("a0000000-0000-4000-8000-000000000001")

READ_USER = {
    "id": exactly(USER),
    "email": EMAIL,
    "role": "user",
    "status": exactly("active"),
    "session_generation": 1,
    "version": 1,
    "created_at": NOON,
}
ACCOUNT = UserCredential(
    user=User(id=USER, email=EMAIL, role="user", status="active", version=1, created_at=NOON),
    credential_id=CREDENTIAL,
    password_hash=HASH,
)
REHASH = Rehash(credential_id=FRESH, password_hash=HASH, replaces=CREDENTIAL)
TOKEN = StoredMailToken(
    token_hash="ab" * 32, user_id=USER, purpose="verify_email", expires_at=TOMORROW
)
RESET_TOKEN = TOKEN.model_copy(update={"purpose": "reset_password"})
READ_TOKEN = {
    "token_hash": exactly(TOKEN.token_hash),
    "user_id": exactly(USER),
    "purpose": exactly("verify_email"),
    "expires_at": TOMORROW,
    "used_at": None,
}


@pytest.fixture(scope="module")
def pact(request: pytest.FixtureRequest) -> Iterator[ConsumerPact]:
    with recorded(request, "back-auth", "back-postgres") as pact:
        yield pact


def a_user(status: str = "active", **more: object) -> State:
    return state("a user exists", id=USER, email=EMAIL, role="user", status=status, **more)


def a_registration() -> State:
    return state(
        "a registration waits",
        user_id=USER,
        email=EMAIL,
        credential_id=CREDENTIAL,
        terms_version="2026-11",
        terms_accepted_at=NOON,
        network="192.0.2.1",
        expires_at=TOMORROW,
    )


def a_token() -> State:
    return state("a mail token is kept", **TOKEN.model_dump(exclude={"used_at"}))


def a_reset_token() -> State:
    return state("a mail token is kept", **RESET_TOKEN.model_dump(exclude={"used_at"}))


def a_confirmation() -> State:
    return state("a registration was confirmed", token_hash=TOKEN.token_hash, user_id=USER)


class TestCredentials:
    CREDENTIAL = Credential(credential_id=CREDENTIAL, password_hash=HASH)

    async def test_keep(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a credential to keep",
            asks="POST /credentials",
            sends=self.CREDENTIAL,
            answers=reply(201, {"credential_id": CREDENTIAL}),
        ) as postgres:
            await PostgresCredentials(postgres).keep(CREDENTIAL, HASH)

    async def test_of_an_address(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "the credential of an address",
            given=[a_user()],
            asks="POST /credentials/lookup",
            sends=LookUpUser(email=EMAIL),
            answers=reply(
                200,
                {
                    "user": READ_USER,
                    "credential_id": CREDENTIAL,
                    "password_hash": HASH,
                    "password_version": 1,
                },
            ),
        ) as postgres:
            found = await PostgresAccounts(postgres).find(EMAIL)
        assert found
        assert (found.user.id, found.password_hash) == (USER, HASH)

    async def test_of_an_unknown_address(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "the credential of an address that nobody has",
            asks="POST /credentials/lookup",
            sends=LookUpUser(email=EMAIL),
            answers=refusal(404, "user_not_found"),
        ) as postgres:
            assert await PostgresAccounts(postgres).find(EMAIL) is None

    async def test_rehash(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a fresh hash of a user's password",
            given=[a_user(credential_id=CREDENTIAL)],
            asks=f"PUT /users/{USER}/credential",
            sends=REHASH,
            answers=reply(200, {"credential_id": FRESH}),
        ) as postgres:
            await PostgresAccounts(postgres).rehash(ACCOUNT, HASH)

    async def test_rehash_of_a_password_that_was_replaced(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a fresh hash of a password that the user no longer has",
            given=[a_user()],
            asks=f"PUT /users/{USER}/credential",
            sends=REHASH,
            answers=refusal(409, "credential_replaced"),
        ) as postgres:
            with pytest.raises(Conflict, match="credential_replaced"):
                await PostgresAccounts(postgres).rehash(ACCOUNT, HASH)

    async def test_rehash_for_nobody(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a fresh hash for a user whom nobody knows",
            asks=f"PUT /users/{USER}/credential",
            sends=REHASH,
            answers=refusal(404, "user_not_found"),
        ) as postgres:
            with pytest.raises(NotFound, match="user_not_found"):
                await PostgresAccounts(postgres).rehash(ACCOUNT, HASH)


class TestUsers:
    async def test_by_id(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a user by id",
            given=[a_user()],
            asks=f"GET /users/{USER}",
            answers=reply(200, READ_USER),
        ) as postgres:
            assert (await PostgresUsers(postgres).get(USER)).status == "active"

    async def test_an_unknown_id(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a user whom nobody knows by id",
            asks=f"GET /users/{USER}",
            answers=refusal(404, "user_not_found"),
        ) as postgres:
            with pytest.raises(NotFound, match="user_not_found"):
                await PostgresUsers(postgres).get(USER)


class TestMailTokens:
    TRY = TryMailToken(token_hash=TOKEN.token_hash, purpose="verify_email", tries_max=10)
    CANDIDATE: ClassVar = {"user_id": exactly(USER), "password_hash": HASH}

    async def test_keep(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a mail token to keep",
            given=[a_registration()],
            asks="POST /mail-tokens",
            sends=TOKEN,
            answers=reply(201, READ_TOKEN),
        ) as postgres:
            await PostgresMailTokens(postgres).keep(TOKEN)

    async def test_keep_for_no_registration(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a mail token to keep for a registration that nobody made",
            asks="POST /mail-tokens",
            sends=TOKEN,
            answers=refusal(404, "registration_not_found"),
        ) as postgres:
            with pytest.raises(NotFound, match="registration_not_found"):
                await PostgresMailTokens(postgres).keep(TOKEN)

    async def test_try(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a try of a mail token",
            given=[a_registration(), a_token()],
            asks="POST /mail-tokens/try",
            sends=self.TRY,
            answers=reply(200, {"token": READ_TOKEN, "candidates": [self.CANDIDATE]}),
        ) as postgres:
            tried = await PostgresMailTokens(postgres).use_try(
                TOKEN.token_hash, "verify_email", tries_max=10
            )
        assert [it.user_id for it in tried.candidates] == [USER]
        assert tried.token.used_at is None

    async def test_try_a_used_one(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a try of a mail token that was used",
            given=[a_registration(), a_token(), a_confirmation()],
            asks="POST /mail-tokens/try",
            sends=self.TRY,
            answers=reply(
                200,
                {"token": READ_TOKEN | {"used_at": NOON}, "candidates": [self.CANDIDATE]},
            ),
        ) as postgres:
            tried = await PostgresMailTokens(postgres).use_try(
                TOKEN.token_hash, "verify_email", tries_max=10
            )
        assert tried.token.used_at == NOON

    async def test_try_an_unknown_one(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a try of a mail token that nobody minted",
            asks="POST /mail-tokens/try",
            sends=self.TRY,
            answers=refusal(404, "mail_token_not_found"),
        ) as postgres:
            with pytest.raises(NotFound, match="mail_token_not_found"):
                await PostgresMailTokens(postgres).use_try(
                    TOKEN.token_hash, "verify_email", tries_max=10
                )


class TestPasswordResets:
    RESET = Command[ResetPassword](
        command_id=COMMAND,
        expected_version=1,
        data=ResetPassword(
            token_hash=TOKEN.token_hash, user_id=USER, credential_id=FRESH, password_hash=HASH
        ),
        events=[
            NewEvent.of(
                "user.password.changed",
                PasswordChanged(user_id=USER, network="192.0.2.1", device="a browser"),
                aggregate_id=USER,
                command_id=COMMAND,
                correlation_id="correlation-1",
                occurred_at=NOON,
            )
        ],
    )
    REQUEST = Command[Nothing](
        command_id=COMMAND,
        data=Nothing(),
        events=[
            NewEvent.of(
                "auth.password_reset.requested",
                PasswordResetRequested(user_id=USER, network="192.0.2.1", device="a browser"),
                aggregate_id=USER,
                command_id=COMMAND,
                correlation_id="correlation-1",
                occurred_at=NOON,
            )
        ],
    )

    async def test_request(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a request of a password reset to record",
            asks="POST /events",
            sends=self.REQUEST,
            answers=reply(201, {"event_ids": [self.REQUEST.events[0].envelope.event_id]}),
        ) as postgres:
            await PostgresEvents(postgres).record(self.REQUEST)

    async def test_keep_a_token(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a mail token that resets a password to keep",
            given=[a_user()],
            asks="POST /mail-tokens",
            sends=RESET_TOKEN,
            answers=reply(201, READ_TOKEN | {"purpose": exactly("reset_password")}),
        ) as postgres:
            await PostgresMailTokens(postgres).keep(RESET_TOKEN)

    async def test_reset(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a password to reset",
            given=[a_user(), a_reset_token()],
            asks="POST /password-resets",
            sends=self.RESET,
            answers=reply(200, READ_USER),
        ) as postgres:
            assert (await PostgresResets(postgres).reset(self.RESET)).id == USER

    async def test_without_a_token(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a password to reset with a token that nobody minted",
            given=[a_user()],
            asks="POST /password-resets",
            sends=self.RESET,
            answers=refusal(404, "mail_token_not_found"),
        ) as postgres:
            with pytest.raises(NotFound, match="mail_token_not_found"):
                await PostgresResets(postgres).reset(self.RESET)


class TestVerifications:
    COMMAND = Command[ConfirmRegistration](
        command_id=COMMAND,
        data=ConfirmRegistration(token_hash=TOKEN.token_hash, user_id=USER),
        events=[
            NewEvent.of(
                "user.verified",
                UserVerified(user_id=USER),
                aggregate_id=USER,
                command_id=COMMAND,
                correlation_id="correlation-1",
                occurred_at=NOON,
            )
        ],
    )

    async def test_confirm(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a registration to confirm",
            given=[a_registration(), a_token()],
            asks="POST /email-verifications",
            sends=self.COMMAND,
            answers=reply(200, READ_USER),
        ) as postgres:
            confirmed = await PostgresVerifications(postgres).confirm(self.COMMAND)
        assert confirmed.status == "active"

    async def test_without_a_token(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a registration to confirm with a token that nobody minted",
            given=[a_registration()],
            asks="POST /email-verifications",
            sends=self.COMMAND,
            answers=refusal(404, "mail_token_not_found"),
        ) as postgres:
            with pytest.raises(NotFound, match="mail_token_not_found"):
                await PostgresVerifications(postgres).confirm(self.COMMAND)

    async def test_with_a_used_token(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a registration to confirm with a token that was used",
            given=[a_registration(), a_token(), a_confirmation()],
            asks="POST /email-verifications",
            sends=self.COMMAND,
            answers=refusal(409, "mail_token_used"),
        ) as postgres:
            with pytest.raises(Conflict, match="mail_token_used"):
                await PostgresVerifications(postgres).confirm(self.COMMAND)

    async def test_of_a_taken_address(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a registration to confirm whose address is taken",
            given=[
                state("a user exists", id=UUID(int=1), email=EMAIL, role="user", status="active"),
                a_registration(),
                a_token(),
            ],
            asks="POST /email-verifications",
            sends=self.COMMAND,
            answers=refusal(409, "email_taken"),
        ) as postgres:
            with pytest.raises(Conflict, match="email_taken"):
                await PostgresVerifications(postgres).confirm(self.COMMAND)
