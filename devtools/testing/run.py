"""Runs parts, some side by side, each with pytest in its environment, and reads what came of it."""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from devtools.engines import fronts, node_packages
from devtools.stack.process import kill_session
from devtools.testing.engines import PartEngine
from devtools.testing.parts import BROWSER, Part
from devtools.testing.reports import Outcome, cases, excuse, outcome_of
from devtools.testing.stack import Target, keep_logs, stack_of_services, temporary_stack
from devtools.workspace import environments
from devtools.workspace.errors import DevError
from devtools.workspace.processes import in_thread, output_of
from devtools.workspace.repository import ROOT

PART_SECONDS = 1800.0
TRIED_TWICE = 5
"""More failures of one part than these are not by chance."""
VITEST = ROOT / "node_modules" / "vitest" / "vitest.mjs"
SIDE_BY_SIDE = (os.cpu_count() or 2) + 1  # a part often waits for its engine
Setting = tuple[Mapping[str, str], Sequence[str]]  # environment and options of pytest
StartEngine = Callable[[PartEngine], AbstractAsyncContextManager[dict[str, str]]]


@dataclass(frozen=True)
class PartRunner:
    """`target` is a running stack; `finished` is called with each outcome.

    `results` is a folder that keeps what pytest reports of each part (JUnit XML, `<part>.xml`) and
    the `logs` of the stack that the tests had to themselves. With `second_try` the few failed tests
    of a part run once more, by themselves and with a fresh engine.
    """

    start_engine: StartEngine
    finished: Callable[[Outcome], None]
    target: Target | None = None
    arguments: Sequence[str] = ()
    results: Path | None = None
    second_try: bool = False
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SIDE_BY_SIDE))

    async def run(self, parts: Sequence[Part]) -> list[Outcome]:
        """The outcome of every part. Those on one stack go one after the other, the rest beside.

        Slots are given in the order of the tasks: what takes longest comes first.
        """
        async with asyncio.TaskGroup() as group:
            users = [part for part in parts if part.on_stack]
            on_stack = group.create_task(self._on_one(users, self._stack))
            adapters = [part for part in parts if part.of_adapters]
            of_adapters = group.create_task(self._on_one(adapters, _services))
            alone = [
                group.create_task(self._beside_others(part))
                for part in parts
                if not part.on_stack and not part.of_adapters
            ]
        return [task.result() for task in alone] + of_adapters.result() + on_stack.result()

    async def _beside_others(self, part: Part) -> Outcome:
        async with self.slots:
            return await self._reported(part, {}, ())

    async def _on_one(
        self, parts: Sequence[Part], start: Callable[[], AbstractAsyncContextManager[Setting]]
    ) -> list[Outcome]:
        """One after the other, on one stack that nobody else asks."""
        if not parts:
            return []
        async with self.slots:
            try:
                async with start() as (environment, options):
                    return [await self._reported(part, environment, options) for part in parts]
            except DevError as error:
                return [self._not_run(part, error) for part in parts]

    def _not_run(self, part: Part, error: Exception, seconds: float = 0) -> Outcome:
        outcome = Outcome(part.name, 0, 1, 0, seconds, f"{error}\n")
        self.finished(outcome)
        return outcome

    async def _reported(
        self, part: Part, environment: Mapping[str, str], options: Sequence[str]
    ) -> Outcome:
        started = time.monotonic()
        try:
            outcome = await self._part(part, environment, options)
        except (DevError, OSError) as error:
            return self._not_run(part, error, time.monotonic() - started)
        self.finished(outcome)
        return outcome

    async def _part(
        self, part: Part, environment: Mapping[str, str], options: Sequence[str]
    ) -> Outcome:
        if part.by_vitest:
            return await self._by_vitest(part)
        with tempfile.TemporaryDirectory(prefix="dev-test-") as folder:
            report = (self.results or Path(folder)) / f"{part.name}.xml"
            if part.name == BROWSER and self.results:
                options = (*options, f"--screenshots={self.results.resolve() / 'screenshots'}")
            options = (*options, "-o", f"cache_dir={folder}/cache")
            # A chosen few tests can't reach the floor of all.
            measured = part.has_floor and not self.arguments
            first = await self._by_pytest(part, environment, options, report, measured=measured)
            failed = [it for it in cases(report) if it.outcome == "failed"]
            if not self.second_try or not failed or len(failed) > TRIED_TWICE:
                return first
            again = Path(folder) / "again.xml"
            options = (*options, "--last-failed")
            second = await self._by_pytest(part, environment, options, again, measured=False)
            flaky = excuse(report, again)
            seconds = first.seconds + second.seconds
            log = f"{first.log}\nThe second try:\n{second.log}"
            exit_code = 0 if len(flaky) == len(failed) else 1
            return replace(outcome_of(part.name, exit_code, report, seconds, log), flaky=flaky)

    async def _by_pytest(
        self,
        part: Part,
        environment: Mapping[str, str],
        options: Sequence[str],
        report: Path,
        *,
        measured: bool,
    ) -> Outcome:
        venv = await environments.sync(part.member, part.groups)
        started = time.monotonic()
        async with AsyncExitStack() as opened:
            address: Mapping[str, str] = {}
            if part.engine:
                address = await opened.enter_async_context(self.start_engine(part.engine))
            pytest = await asyncio.create_subprocess_exec(
                *(str(venv / "bin" / "python"), *(["-m", "slipcover"] if measured else [])),
                *("-m", "pytest", part.tests, "-q", f"--junit-xml={report}"),
                *(*options, *self.arguments),
                cwd=part.folder,
                env={**_environment(venv), **environment, **address},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                log = (await _output(pytest)).decode(errors="replace")
            finally:
                kill_session(pytest.pid)
            seconds = time.monotonic() - started
            return outcome_of(part.name, await pytest.wait(), report, seconds, log)

    async def _by_vitest(self, part: Part) -> Outcome:
        node = await fronts.install()
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="dev-test-") as folder:
            report = (self.results or Path(folder)).resolve() / f"{part.name}.xml"
            reporters = ("--reporter=default", "--reporter=junit", f"--outputFile.junit={report}")
            code, log = await output_of(
                (node, VITEST, "run", *reporters, *self.arguments),
                cwd=part.folder,
                env={**node_packages.environment_of(node), "NO_COLOR": "1", "CI": "1"},
                timeout=PART_SECONDS,
            )
            seconds = time.monotonic() - started
            return outcome_of(part.name, code, report, seconds, f"{log}\n")

    @asynccontextmanager
    async def _stack(self) -> AsyncIterator[Setting]:
        if self.target:
            yield self.target.environment, self.target.options
            return
        async with temporary_stack() as target:
            yield target.environment, target.options
            if results := self.results:
                await in_thread(lambda: keep_logs(target, results / "logs"))


@asynccontextmanager
async def _services() -> AsyncIterator[Setting]:
    async with stack_of_services() as environment:
        yield environment, ("-m", "real")


async def _output(pytest: asyncio.subprocess.Process) -> bytes:
    """All that pytest prints. After PART_SECONDS it must print its stacks, and is killed."""
    printing = asyncio.ensure_future(pytest.communicate())
    await asyncio.wait({printing}, timeout=PART_SECONDS)
    if not printing.done():
        pytest.send_signal(signal.SIGABRT)
        await asyncio.wait({printing}, timeout=5)
        kill_session(pytest.pid)
    output, _ = await printing
    return output


def _environment(venv: Path) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in {"VIRTUAL_ENV", "PYTHONPATH"} and not name.startswith("DEV_")
    }
    return inherited | {"PATH": f"{venv / 'bin'}:{os.environ.get('PATH', os.defpath)}"}
