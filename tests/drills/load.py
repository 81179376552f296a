"""Visitors who use the stack during a drill, and what they were answered."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from tests.stack import Visitor


@dataclass
class Answers:
    """The answers to all visitors.

    `codes` counts them by status, 0 where the gateway refused a connection. `wrong` are those
    that are neither a success nor a documented 503 or 504. `slowest` is in seconds.
    """

    codes: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    wrong: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return self.codes.total()

    @property
    def refused(self) -> int:
        """How many were answered with 503 or 504, or not at all."""
        return self.codes[0] + self.codes[503] + self.codes[504]

    async def of(self, request: Awaitable[httpx.Response]) -> httpx.Response | None:
        """Make the request and note its answer; None where there was no answer."""
        started = time.monotonic()
        try:
            reply = await request
        except httpx.TimeoutException as error:
            self.wrong.append(f"no answer: {error!r}")
            return None
        except httpx.TransportError:
            self.codes[0] += 1
            return None
        self.codes[reply.status_code] += 1
        self.slowest = max(self.slowest, time.monotonic() - started)
        if not reply.is_success and not (
            reply.status_code in {503, 504}
            and reply.headers["content-type"].startswith("application/problem+json")
        ):
            self.wrong.append(f"{reply.status_code} {reply.request.url} {reply.text[:300]}")
        return reply

    async def of_success(self, request: Awaitable[httpx.Response]) -> httpx.Response | None:
        """Make the request and note its answer; None where it did not succeed."""
        reply = await self.of(request)
        return reply if reply is not None and reply.is_success else None


@asynccontextmanager
async def running(*loads: Callable[[], Coroutine[None, None, None]]) -> AsyncIterator[None]:
    """Run the loads, which never end, during the block. An error in one ends the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(load()) for load in loads]
        yield
        for task in tasks:
            task.cancel()


async def serves(user: Visitor, new: Visitor) -> bool | None:
    """Whether every path that the drills use answers: one for `user`, a whole sign-up for `new`.

    A circuit breaker may refuse calls for some seconds after health said that all is well.
    """
    try:
        steps: tuple[Callable[[], Awaitable[httpx.Response]], ...] = (
            lambda: user.get("/api/users/me"),
            new.register,
            new.confirm,
            new.log_in,
            lambda: new.get("/api/users/me"),
        )
        for step in steps:
            if not (await step()).is_success:
                return None
    except httpx.TransportError:
        return None
    return True


async def health(user: Visitor) -> str:
    """The state of the stack in one word, as its gateway shows it."""
    try:
        return str((await user.http.get("/health")).json()["status"])
    except (httpx.TransportError, ValueError, KeyError):  # the gateway's own answer
        return "down"
