"""The kinds of service: what each needs, how it starts, how its health is probed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from devtools.engines import EngineInstance, Recipe, fronts, recipe_for, wheels
from devtools.stack import stub
from devtools.stack.control import StepState
from devtools.stack.health import Answer, CommandProbe, Probe
from devtools.stack.layout import Layout, LocalService
from devtools.workspace import environments
from devtools.workspace.processes import Command, in_thread
from devtools.workspace.repository import Stack

_AT_ONCE = 3
_SETTLED_AFTER = 1.0
_STARTING_EVERY = 0.2
_COMMAND_STARTING_EVERY = 1.0  # each probe is a process, at a time when processors are short


class Prerequisites:
    """What must be there before a service starts, each made once however many ask for it.

    `changed` is called when there is something new to show.
    """

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
        loop = asyncio.get_running_loop()

        def progress(text: str) -> None:
            loop.call_soon_threadsafe(self._show, name, text)

        await self._once("engine wheels", wheels.install)
        await self._once(name, lambda: in_thread(lambda: recipe.fetch(progress)))

    async def front_packages(self) -> None:
        await self._once("engine wheels", wheels.install)
        await self._once("packages of the fronts", fronts.install)

    async def front(self, folder: Path) -> None:
        await self.front_packages()
        await self._once(f"build {folder.name}", lambda: fronts.build(folder))

    async def prism(self) -> None:
        await self._once("engine wheels", wheels.install)
        await self._once("Prism, for stubs", stub.installed)

    async def _once(self, name: str, make: Callable[[], Awaitable[object]]) -> None:
        async def timed() -> None:
            started = time.monotonic()
            self._show(name, "")
            await make()
            self._steps[name] = StepState(name, "", time.monotonic() - started, done=True)
            self._changed()

        if name not in self._tasks:
            self._tasks[name] = asyncio.create_task(timed())
        await asyncio.shield(self._tasks[name])

    def _show(self, name: str, detail: str) -> None:
        self._steps[name] = StepState(name, detail, 0.0, done=False)
        self._changed()

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


class Program(Protocol):
    """While it starts it is probed every `starting_every` seconds. Once it is ready it is probed
    every `every` seconds, or `unready_every` while the last probe failed, and restarted after
    `failures` probes in a row that found it neither ready nor alive.
    """

    starting_every: float
    every: float
    unready_every: float
    failures: int

    async def provide(self) -> None: ...

    async def command(self) -> Command: ...

    async def ready(self) -> Answer: ...

    async def is_alive(self, answer: Answer) -> bool: ...


class OwnProgram:
    """A service built from the repository, in the environment of its workspace member."""

    # A probe costs a process 2 ms of CPU, and an engine some more, in all of a dozen services.
    starting_every, every, unready_every, failures = _STARTING_EVERY, 5.0, 2.0, 4

    def __init__(self, service: LocalService, prerequisites: Prerequisites) -> None:
        self._service = service
        self._prerequisites = prerequisites
        health = service.stated.healthcheck
        if isinstance(service.probe, CommandProbe) and health:
            self.every = self.unready_every = health.interval
            self.failures = health.retries
            self.starting_every = _COMMAND_STARTING_EVERY

    async def provide(self) -> None:
        await self._prerequisites.environment(self._service.member or "")

    async def command(self) -> Command:
        return self._service.command

    async def ready(self) -> Answer:
        if self._service.probe:
            return await self._service.probe.ready()
        await asyncio.sleep(_SETTLED_AFTER)
        return Answer(200, "runs")

    async def is_alive(self, answer: Answer) -> bool:
        probe = self._service.probe
        return isinstance(probe, Probe) and await probe.is_alive(answer)


class FrontProgram(OwnProgram):
    """A front in the folder `front`, built when it starts with other sources than before."""

    def __init__(self, service: LocalService, front: Path, prerequisites: Prerequisites) -> None:
        super().__init__(service, prerequisites)
        self._front = front

    async def provide(self) -> None:
        await self._prerequisites.front(self._front)

    async def command(self) -> Command:
        node = await fronts.install()
        await fronts.build(self._front)
        command = self._service.command
        # Without it Node takes the development builds of React and React Router, which are slower.
        env = {**command.env, "NODE_ENV": "production"}
        # What Node compiles at one start, the next one reads: a third less CPU.
        env["NODE_COMPILE_CACHE"] = str(self._front / "build" / ".compiled")
        return replace(command, argv=(str(node), *command.argv[1:]), env=env)


class WatchedFront(FrontProgram):
    """A front by its development server: a change of its files shows in the browser at once."""

    async def provide(self) -> None:
        await self._prerequisites.front_packages()

    async def command(self) -> Command:
        node = await fronts.install()
        command = self._service.command
        argv = (str(node), *fronts.development_server(self._service.ports[0]))
        return replace(command, argv=argv, env={**command.env, "NODE_ENV": "development"})


class StubProgram(OwnProgram):
    """Prism in the place of a service, at the same port and health URL."""

    def __init__(self, service: LocalService, stack: Stack, prerequisites: Prerequisites) -> None:
        super().__init__(service, prerequisites)
        self._folder = stack.folder / "stubs"

    async def provide(self) -> None:
        await self._prerequisites.prism()

    async def command(self) -> Command:
        argv = await stub.command(self._service.name, self._folder, self._service.ports[0])
        return Command(argv, self._service.command.env, self._folder, stop_timeout=3.0)


class EngineProgram:
    """An engine, by the recipe that stands for its image."""

    starting_every, every, unready_every, failures = _STARTING_EVERY, 5.0, 5.0, 5

    def __init__(
        self, recipe: Recipe, image: str, instance: EngineInstance, prerequisites: Prerequisites
    ) -> None:
        self._recipe = recipe
        self._image = image
        self._instance = instance
        self._prerequisites = prerequisites

    async def provide(self) -> None:
        await self._prerequisites.engine(self._image, self._recipe)

    async def command(self) -> Command:
        return await in_thread(lambda: self._recipe.prepare(self._instance))

    async def ready(self) -> Answer:
        try:
            answers = await in_thread(lambda: self._recipe.answers(self._instance))
        except Exception as error:  # noqa: BLE001 - whatever it is, the engine is not ready
            return Answer(None, f"{type(error).__name__}: {error}")
        return Answer(200 if answers else 503, "" if answers else "does not answer yet")

    async def is_alive(self, answer: Answer) -> bool:
        return answer.is_good


def program_for(
    service: LocalService,
    layout: Layout,
    stack: Stack,
    prerequisites: Prerequisites,
    *,
    watched: bool = False,
) -> Program:
    if service.stated.is_stub:
        return StubProgram(service, stack, prerequisites)
    if service.front:
        kind = WatchedFront if watched else FrontProgram
        return kind(service, service.front, prerequisites)
    if service.member:
        return OwnProgram(service, prerequisites)
    owner = layout.owner_of(service.name)
    instance = EngineInstance(
        name=service.name,
        data=stack.data / service.name,
        run=stack.engines / service.name,
        secrets=layout.secrets_of_owner(service.name),
        port=service.ports[0],
        command=list(service.command.argv),
        user=owner.environment.get(f"{owner.prefix_of(service.name)}_USER", ""),
    )
    image = service.stated.image or ""
    return EngineProgram(recipe_for(image), image, instance, prerequisites)
