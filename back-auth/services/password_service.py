"""Passwords as argon2id hashes, computed in threads."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from settings import Settings
from shared.kit.errors import Overloaded

Result = TypeVar("Result")


class PasswordService:
    """Hashes and checks passwords with argon2id (RFC 9106) in `threads` threads.

    At most `waiting_max` passwords wait for a thread, each for at most `wait_seconds`; others
    raise Overloaded, so that a flood of logins costs bounded memory and time. No circuit breaker
    opens for it: calls that need no password are answered all the same.
    """

    def __init__(
        self,
        *,
        memory_kib: int,
        time_cost: int,
        parallelism: int,
        threads: int,
        waiting_max: int,
        wait_seconds: float,
    ) -> None:
        self._hasher = PasswordHasher(
            time_cost=time_cost, memory_cost=memory_kib, parallelism=parallelism, type=Type.ID
        )
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="argon2")
        self._free = asyncio.Semaphore(threads)
        self._waiting_max = waiting_max
        self._wait_seconds = wait_seconds
        self._waiting = 0
        # Checked for unknown accounts, so that they cost as much time as known ones.
        self._dummy_hash = self._hasher.hash("dummy password")

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The service with the configured argon2 parameters."""
        return cls(
            memory_kib=settings.argon2_memory_kib,
            time_cost=settings.argon2_time_cost,
            parallelism=settings.argon2_parallelism,
            threads=settings.argon2_threads,
            waiting_max=settings.argon2_waiting_max,
            wait_seconds=settings.argon2_wait_seconds,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._threads.shutdown(cancel_futures=True)

    async def hash(self, password: str) -> str:
        """The hash in the PHC string format."""
        return await self._in_thread(lambda: self._hasher.hash(_normalised(password)))

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether the password matches the hash. None takes as long and never matches."""
        expected = password_hash or self._dummy_hash
        matched = await self._in_thread(lambda: self._verify(_normalised(password), expected))
        return matched and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than the configured ones."""
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        await self._wait_for_thread()
        loop = asyncio.get_running_loop()
        future = self._threads.submit(work)
        # A thread works on when its caller has gone; only then it is free.
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._free.release))
        return await asyncio.wrap_future(future)

    async def _wait_for_thread(self) -> None:
        if self._free.locked() and self._waiting >= self._waiting_max:
            raise _too_busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._free.acquire()
        except TimeoutError as error:
            raise _too_busy() from error
        finally:
            self._waiting -= 1


def _too_busy() -> Overloaded:
    return Overloaded("Too many passwords are being checked.")


def _normalised(password: str) -> str:
    # RFC 8265 (OpaqueString): the same characters typed on another keyboard are the same password.
    return unicodedata.normalize("NFC", password)
