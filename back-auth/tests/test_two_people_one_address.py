"""Two people use one mail address, and the mail of the other one is read by a stranger alone.

Whatever they do in whatever order, nobody gets into the account of an address whose mail they
don't read, except with the password that its reader confirmed or an operator gave.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

from services.key_ring import KeyRing
from shared.security.jwt import verify_jwt
from shared.testing.asgi_client import AsgiReply
from shared.testing.identities import Identities
from tests.conftest import Stack, running_stack
from tests.fakes import PostgresState, RedisState

OWNED, STRANGERS = "owner@example.org", "stranger@example.org"
READER = {OWNED: "owner", STRANGERS: "stranger"}
PASSWORDS = {
    "owner": ["the owner's first", "the owner's second"],
    "stranger": ["the stranger's first", "the stranger's second"],
}
OPERATORS = "the operator's own"

SETTINGS = settings(
    max_examples=100,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # shrinking takes minutes
)

people = st.sampled_from(sorted(PASSWORDS))
addresses = st.sampled_from([OWNED, OWNED, STRANGERS])
either = st.integers(0, 1)


class TwoPeopleOneAddress(RuleBasedStateMachine):
    tokens = Bundle("tokens")
    refresh_tokens = Bundle("refresh_tokens")

    def __init__(
        self, runner: asyncio.Runner, stack: Stack, public_keys: Mapping[str, RSAPublicKey]
    ) -> None:
        super().__init__()
        self._runner = runner
        self._stack = stack
        self._public_keys = public_keys
        vars(stack.postgres).update(vars(PostgresState()))
        vars(stack.redis).update(vars(RedisState()))
        self._may: dict[str, set[str]] = {OWNED: set(), STRANGERS: set()}
        self._inside: set[tuple[str, UUID]] = set()

    @rule(target=tokens, person=people, which=either, email=addresses)
    def register(self, person: str, which: int, email: str) -> tuple[str, str]:
        """Anybody registers any address; the mail reaches who reads it."""
        password = PASSWORDS[person][which]
        user_id = self._runner.run(self._stack.add_registration(email, password))
        return READER[email], self._runner.run(self._stack.mint(user_id))

    @rule(token=tokens, which=either)
    def confirm(self, token: tuple[str, str], which: int) -> None:
        """Whoever got a mail confirms with a password of their own."""
        reader, text = token
        password = PASSWORDS[reader][which]
        before = dict(self._stack.postgres.users)
        reply = self._post("/auth/verify-email", {"token": text, "password": password})
        assert reply.status in {200, 400, 401}, reply.text
        for user_id, user in self._stack.postgres.users.items():
            if user_id not in before:
                assert READER[user.email] == reader
                self._may[user.email].add(password)
                self._try_every_password(user.email)

    @rule(email=addresses)
    def operator_makes_an_admin(self, email: str) -> None:
        postgres = self._stack.postgres
        if all(user.email != email for user in postgres.users.values()):
            password_hash = self._runner.run(self._stack.hash_of(OPERATORS))
            postgres.add_user(email, password_hash, role="admin")
            postgres.void_registrations(email)
            self._may[email].add(OPERATORS)

    @rule(target=refresh_tokens, person=people, which=either, email=addresses)
    def log_in(self, person: str, which: int, email: str) -> tuple[str, str]:
        return self._log_in(person, PASSWORDS[person][which], email)

    @rule(target=refresh_tokens, held=consumes(refresh_tokens))
    def refresh(self, held: tuple[str, str]) -> tuple[str, str]:
        person, token = held
        return self._entered(person, self._runner.run(self._stack.refresh(token)))

    @invariant()
    def nobody_is_in_an_account_whose_mail_another_reads(self) -> None:
        for person, user_id in self._inside:
            assert READER[self._stack.postgres.users[user_id].email] == person

    def _try_every_password(self, email: str) -> None:
        for person, passwords in PASSWORDS.items():
            for password in passwords:
                self._log_in(person, password, email)

    def _log_in(self, person: str, password: str, email: str) -> tuple[str, str]:
        reply = self._runner.run(self._stack.log_in(email, password))
        expected = 200 if password in self._may[email] else 401
        assert reply.status in {expected, 429}, reply.text
        return self._entered(person, reply)

    def _entered(self, person: str, reply: AsgiReply) -> tuple[str, str]:
        if reply.status != 200:
            return person, "none"
        body = reply.json()
        access = verify_jwt(str(body["access_token"]), self._public_keys)
        self._inside.add((person, access.user_id))
        return person, str(body["refresh_token"])

    def _post(self, path: str, body: dict[str, str]) -> AsgiReply:
        return self._runner.run(self._stack.client.post(path, json=body))


@pytest.mark.usefixtures("environment")
@pytest.mark.timeout(300)
def test_nobody_gets_into_an_account_whose_mail_another_reads(
    keys: Identities, key_folder: Path, rsa_key: RSAPrivateKey
) -> None:
    public_keys = KeyRing.of([rsa_key]).public_keys
    with asyncio.Runner() as runner:
        serving = running_stack(PostgresState(), RedisState(), keys, key_folder)
        stack = runner.run(serving.__aenter__())

        class OnStack(TwoPeopleOneAddress):
            def __init__(self) -> None:
                super().__init__(runner, stack, public_keys)

        try:
            run_state_machine_as_test(OnStack, settings=SETTINGS)
        finally:
            runner.run(serving.__aexit__(None, None, None))
