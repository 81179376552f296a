import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from features.user_registration.domain import CredentialService
from services.password_service import PasswordService
from settings import Settings
from shared.kit.errors import Overloaded
from shared.testing.identities import Identities
from tests.conftest import PASSWORD, Stack
from tests.fakes import FakeCredentials, FakePasswords, PostgresState


def password_service(
    *, time_cost: int = 1, threads: int = 1, waiting_max: int = 10, wait_seconds: float = 5
) -> PasswordService:
    return PasswordService(
        memory_kib=8,
        time_cost=time_cost,
        parallelism=1,
        threads=threads,
        waiting_max=waiting_max,
        wait_seconds=wait_seconds,
    )


@pytest.fixture
async def passwords() -> AsyncIterator[PasswordService]:
    async with password_service() as service:
        yield service


class TestPasswordService:
    async def test_makes_argon2id_hashes_that_differ_each_time(
        self, passwords: PasswordService
    ) -> None:
        first, second = await passwords.hash(PASSWORD), await passwords.hash(PASSWORD)
        assert first.startswith("$argon2id$v=19$m=8,t=1,p=1$")
        assert first != second
        assert await passwords.matches(PASSWORD, first)
        assert not await passwords.matches(PASSWORD + "!", first)

    async def test_the_same_text_in_another_form_of_unicode_is_the_same_password(
        self, passwords: PasswordService
    ) -> None:
        composed, decomposed = "contrase\u00f1a larga", "contrasen\u0303a larga"
        assert await passwords.matches(decomposed, await passwords.hash(composed))

    async def test_no_hash_never_matches_and_is_checked_all_the_same(
        self, passwords: PasswordService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        checked: list[str] = []
        verify = PasswordService._verify

        def counting(self: PasswordService, password: str, password_hash: str) -> bool:
            checked.append(password_hash)
            return verify(self, password, password_hash)

        monkeypatch.setattr(PasswordService, "_verify", counting)
        assert not await passwords.matches("nobody's password", None)
        [used] = checked
        assert not passwords.is_outdated(used)

    @pytest.mark.parametrize("stored", ["", "x", "$argon2id$v=19$m=8,t=1,p=1$x$x", "plain text"])
    async def test_what_is_no_hash_never_matches(
        self, passwords: PasswordService, stored: str
    ) -> None:
        assert not await passwords.matches("plain text", stored)

    async def test_knows_a_hash_with_other_parameters(self, passwords: PasswordService) -> None:
        async with password_service(time_cost=2) as stronger:
            old = await passwords.hash(PASSWORD)
            assert stronger.is_outdated(old)
            assert await stronger.matches(PASSWORD, old)
            assert not stronger.is_outdated(await stronger.hash(PASSWORD))

    async def test_works_beside_the_loop_on_no_more_threads_than_allowed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        busy, most = 0, 0
        lock, go = threading.Lock(), threading.Event()

        def slow(self: PasswordService, password: str, password_hash: str) -> bool:
            nonlocal busy, most
            with lock:
                busy += 1
                most = max(most, busy)
            go.wait(5)
            with lock:
                busy -= 1
            return True

        async with password_service(threads=2, waiting_max=2) as passwords:
            monkeypatch.setattr(PasswordService, "_verify", slow)
            for _ in range(2):  # what has been checked gives its place back
                go.clear()
                waiting = [asyncio.create_task(passwords.matches("x", "hash")) for _ in range(4)]
                await asyncio.sleep(0)  # noqa: TID251 - lets the other tasks run
                with pytest.raises(Overloaded) as refusal:
                    await passwords.matches("x", "hash")
                assert refusal.value.retry_after == 1
                go.set()
                assert await asyncio.gather(*waiting) == [True] * 4
        assert most <= 2

    async def test_waits_briefly_for_a_thread_and_no_longer(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        go = threading.Event()

        def slow(self: PasswordService, password: str, password_hash: str) -> bool:
            return go.wait(10)

        async with password_service(wait_seconds=0.05) as passwords:
            monkeypatch.setattr(PasswordService, "_verify", slow)
            first = asyncio.create_task(passwords.matches("x", "hash"))
            await asyncio.sleep(0)  # noqa: TID251 - lets the other task run
            with pytest.raises(Overloaded) as refusal:
                await passwords.matches("x", "hash")
            assert refusal.value.retry_after == 1
            go.set()
            assert await first
            assert await passwords.matches("x", "hash")

    async def test_a_caller_who_leaves_does_not_free_a_busy_thread(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        go = threading.Event()

        def slow(self: PasswordService, password: str, password_hash: str) -> bool:
            return go.wait(10)

        async with password_service(wait_seconds=0.05) as passwords:
            monkeypatch.setattr(PasswordService, "_verify", slow)
            first = asyncio.create_task(passwords.matches("x", "hash"))
            await asyncio.sleep(0)  # noqa: TID251 - lets the other task run
            first.cancel()
            with pytest.raises(Overloaded):
                await passwords.matches("x", "hash")
            go.set()
            assert await passwords.matches("x", "hash")


def test_the_default_parameters_are_those_of_owasp(
    keys: Identities, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in keys.env("back-auth").items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.argon2_memory_kib == 19 * 1024
    assert (settings.argon2_time_cost, settings.argon2_parallelism) == (2, 1)


class TestCredentials:
    async def test_a_password_is_kept_as_a_hash_under_a_new_id(
        self, postgres: PostgresState
    ) -> None:
        service = CredentialService(FakePasswords(), FakeCredentials(postgres))
        first, second = await service.accept(PASSWORD), await service.accept(PASSWORD)
        assert postgres.unclaimed == {first: f"v1:{PASSWORD}", second: f"v1:{PASSWORD}"}
        assert first != second

    async def test_over_http(self, stack: Stack) -> None:
        headers = stack.keys.assertion(caller="back-api", to="back-auth")
        reply = await stack.client.post(
            "/internal/credentials", json={"password": PASSWORD}, headers=headers
        )
        assert reply.status == 201
        [(credential_id, password_hash)] = stack.postgres.unclaimed.items()
        assert reply.json() == {"credential_id": str(credential_id)}
        assert password_hash.startswith("$argon2id$")

    @pytest.mark.parametrize("password", ["short", "x" * 129, "twelve chars\u0000", 7, None])
    async def test_only_a_password_that_fits_is_taken(self, stack: Stack, password: object) -> None:
        headers = stack.keys.assertion(caller="back-api", to="back-auth")
        reply = await stack.client.post(
            "/internal/credentials", json={"password": password}, headers=headers
        )
        assert reply.status == 422
        assert stack.postgres.unclaimed == {}

    async def test_only_back_api_may_store_one(self, stack: Stack) -> None:
        body = {"password": PASSWORD}
        assert (await stack.client.post("/internal/credentials", json=body)).status == 401
        headers = stack.keys.assertion(caller="back-workers", to="back-auth")
        reply = await stack.client.post("/internal/credentials", json=body, headers=headers)
        assert reply.status == 403
