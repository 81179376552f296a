"""What must be there before a service can start, each made once however many ask for it."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from devtools.engines import Recipe, wheels
from devtools.stack import stub
from devtools.stack.state import StepState
from devtools.workspace import environments
from devtools.workspace.threads import in_thread

_AT_ONCE = 3


class Prerequisites:
    """Environments and engines. `changed` is called when there is something new to show."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._steps: dict[str, StepState] = {}
        self._environments = asyncio.Semaphore(_AT_ONCE)

    @property
    def steps(self) -> list[StepState]:
        return list(self._steps.values())

    async def environment(self, member: str) -> None:
        async def make() -> None:
            async with self._environments:
                await environments.sync(member)

        await self._once(f"environment {member}", make)

    async def engine(self, image: str, recipe: Recipe) -> None:
        name = f"engine {image}"

        async def fetch() -> None:
            await self._once("engine wheels", wheels.install)
            loop = asyncio.get_running_loop()

            def progress(text: str) -> None:
                loop.call_soon_threadsafe(self._show, name, text)

            await in_thread(lambda: recipe.fetch(progress))

        await self._once(name, fetch)

    async def prism(self) -> None:
        async def install() -> None:
            await self._once("engine wheels", wheels.install)
            await stub.installed()

        await self._once("Prism, for stubs", install)

    async def _once(self, name: str, make: Callable[[], Awaitable[None]]) -> None:
        if name not in self._tasks:
            self._tasks[name] = asyncio.create_task(self._timed(name, make))
        await asyncio.shield(self._tasks[name])

    async def _timed(self, name: str, make: Callable[[], Awaitable[None]]) -> None:
        started = time.monotonic()
        self._show(name, "")
        await make()
        self._steps[name] = StepState(name, "", time.monotonic() - started, done=True)
        self._changed()

    def _show(self, name: str, detail: str) -> None:
        self._steps[name] = StepState(name, detail, 0.0, done=False)
        self._changed()

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
