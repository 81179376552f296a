"""A command to start, one that runs to its end, and blocking work beside the event loop."""

import asyncio
import signal
import threading
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar


@dataclass(frozen=True)
class Command:
    """A program ready to start; `env` is its whole environment, `stop_timeout` is in seconds."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 10.0


async def output_of(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float | None = None,
    given: str = "",
    ends_by: signal.Signals = signal.SIGKILL,
) -> tuple[int, str]:
    """Exit code and output, errors included. `ends_by` is what it gets at a TimeoutError (seconds)
    and when the caller is cancelled; the caller goes on when it ended.
    """
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=cwd, env=dict(env), stdin=PIPE, stdout=PIPE, stderr=STDOUT
    )
    try:
        async with asyncio.timeout(timeout):
            output, _ = await process.communicate(given.encode())
    except BaseException:
        with suppress(ProcessLookupError):
            process.send_signal(ends_by)
        await process.wait()
        raise
    return process.returncode or 0, output.decode(errors="replace").strip()


T = TypeVar("T")


async def all_of(*works: Awaitable[T]) -> list[T]:
    """What each of `works` returns, in their order; raises the first problem once all have ended.

    Work left behind at the end of `asyncio.run` never ends when it was just starting a process.
    """
    ended = await asyncio.gather(*works, return_exceptions=True)
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    return [one for one in ended if not isinstance(one, BaseException)]


async def in_thread(work: Callable[[], T]) -> T:
    """What `work` returns or raises. Its thread is left behind when the program ends first."""
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()

    def run() -> None:
        try:
            outcome.set_result(work())
        except Exception as problem:  # noqa: BLE001 - handed over to the one who waits
            outcome.set_exception(problem)

    threading.Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(outcome)
