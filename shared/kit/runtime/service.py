"""Builds a service from its settings: app, clients, background tasks and health."""

import asyncio
import math
import signal
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import FrameType
from typing import TypeVar

import structlog
from fastapi import FastAPI

from shared.kit.auth.service_identity import AssertionVerifier
from shared.kit.auth.user_tokens import KeySet, RevocationCheck, UserVerifier
from shared.kit.contract_registry import RequestClasses
from shared.kit.http.app import Api
from shared.kit.http.client import ServiceClient
from shared.kit.http.concurrency_limit import Bounds, ConcurrencyLimit
from shared.kit.http.idempotency import Idempotency, ResponseStore
from shared.kit.http.load_shedding import LoadShedding
from shared.kit.http.middleware import RequestContext
from shared.kit.http.problems import install_problems
from shared.kit.http.transport import Connect
from shared.kit.runtime.health import Check, HealthChecks, version_in
from shared.kit.runtime.process import service_client, start_logging
from shared.kit.runtime.settings import ServiceSettings
from shared.models.event_administration import Backlog

log = structlog.get_logger()

Resource = TypeVar("Resource", bound=AbstractAsyncContextManager[object])
Background = Callable[[], Coroutine[None, None, None]]

DRAIN_SECONDS = 3.0
_RESTART_FIRST = 0.5  # seconds, doubled at each crash
_RESTART_LONGEST = 10.0
_LEASE_MARGIN = 2  # seconds
_GOOD_SECONDS = 60.0  # a task that ran this long starts again without delay


class Service:
    """Logs, correlation, deadlines, problem+json, health and identity around one FastAPI app.

    `connect` replaces HTTP in tests: it gives the transport to another service by its name.
    """

    def __init__(self, settings: ServiceSettings, *, connect: Connect | None = None) -> None:
        start_logging(settings)
        self._settings = settings
        self._connect = connect
        self._resources: list[AbstractAsyncContextManager[object]] = []
        self._backgrounds: list[Background] = []
        self._drains: list[Background] = []
        self.stopping = asyncio.Event()
        version = version_in(Path.cwd())
        self._health = HealthChecks(settings.service, version)
        self.api = Api(settings.service, version, self._lifespan)
        self.api.state.assertions = AssertionVerifier(settings.service, settings.public_keys_dir)
        self.api.add_middleware(
            RequestContext,
            deadline=settings.request_deadline,
            body_max_bytes=settings.body_max_bytes,
        )
        # The middleware that is added last is the first that sees a request.
        self.api.add_middleware(
            LoadShedding,
            classes=RequestClasses.of(settings.service),
            limit=ConcurrencyLimit(_bounds(settings)),
            callers=self.api.state.assertions,
        )
        install_problems(self.api)
        self.api.include_router(self._health.router())

    def client(self, callee: str, url: str) -> ServiceClient:
        """A client for another service, opened and closed with the app.

        `/health` shows that service as down where it is not ready, and while calls to it are
        refused because they failed.
        """
        at = self._connect(callee) if self._connect else url
        client = self.resource(service_client(self._settings, callee, at))

        async def ask() -> None:
            await client.probe("/health/ready")
            client.check_breaker()

        self._health.uses(callee, ask)
        return client

    def resource(self, resource: Resource) -> Resource:
        """Enter `resource` when the app starts, leave it when the app ends."""
        self._resources.append(resource)
        return resource

    def background(self, run: Background) -> None:
        """Run `run` while the app runs; restart it after a crash, with exponential back-off."""
        self._backgrounds.append(run)

    def drain(self, run: Background) -> None:
        """Run `run` when the process is told to end, before it stops to accept connections.

        It has DRAIN_SECONDS; then the process ends all the same.
        """
        self._drains.append(run)

    def ready(self, name: str, check: Check) -> None:
        """The service is ready only while `check` does not raise."""
        self._health.needs(name, check)

    def shows_backlog(self, read: Callable[[], Awaitable[Backlog]]) -> None:
        """Show in `/health` what each consumer of events has not done."""
        self._health.shows_backlog(read)

    def verifies_users(self, key_set: KeySet, revocations: RevocationCheck) -> None:
        """Verify user tokens: required for `CurrentUser` and `user_with_permission`."""
        self.api.state.users = UserVerifier(key_set, revocations)

    def takes_idempotency_keys(
        self, store: ResponseStore, *, hash_key: str, wait_seconds: float
    ) -> None:
        """Keep responses in `store` for repeats: required for `Once`.

        `hash_key` is a secret of this service. A repeat waits `wait_seconds` for the first one.
        """
        self.api.state.idempotency = Idempotency(
            store,
            hash_key.encode(),
            wait_seconds,
            # A request holds its key as long as it may run, and not much longer when it crashes.
            lease_seconds=math.ceil(self._settings.request_deadline) + _LEASE_MARGIN,
        )

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for resource in self._resources:
                await stack.enter_async_context(resource)
            tasks = [asyncio.create_task(_run_with_restarts(run)) for run in self._backgrounds]
            log.info("service_started", port=self._settings.port)
            try:
                with _Shutdown(self._drain):
                    yield
            finally:
                self.stopping.set()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        log.info("service_stopped")

    async def _drain(self) -> None:
        self.stopping.set()
        draining = asyncio.gather(*(run() for run in self._drains))
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                await draining
        except TimeoutError:
            log.warning("drain_cut_short", seconds=DRAIN_SECONDS)


def _bounds(settings: ServiceSettings) -> Bounds:
    return Bounds(
        floor=settings.requests_min,
        ceiling=settings.requests_max,
        reserved=settings.requests_reserved,
        queueing=settings.queueing_seconds,
    )


class _Shutdown:
    """Runs `end` at a signal to end, before the server gets it; a second one it gets at once.

    uvicorn waits for open responses before it ends the lifespan. Streams and long polls would never
    end, so they have to hear of the signal itself. And it closes WebSockets as soon as it gets it.
    """

    def __init__(self, end: Background) -> None:
        self._end = end
        self._loop = asyncio.get_running_loop()
        self._before: dict[int, Callable[[int, FrameType | None], object]] = {}
        self._ending: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            handler = signal.getsignal(number)
            if callable(handler):
                self._before[number] = handler
                signal.signal(number, self._handle)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._ending:
            self._before[number](number, frame)
        else:
            self._loop.call_soon_threadsafe(self._begin, number)

    def _begin(self, number: int) -> None:
        self._ending = self._loop.create_task(self._end_and_tell(number))

    async def _end_and_tell(self, number: int) -> None:
        try:
            await self._end()
        finally:
            self._before[number](number, None)


async def _run_with_restarts(run: Background) -> None:
    pause = _RESTART_FIRST
    while True:
        started = time.monotonic()
        try:
            await run()
        except Exception:
            if time.monotonic() - started >= _GOOD_SECONDS:
                pause = _RESTART_FIRST
            log.exception("background_crashed", task=run.__qualname__, restart_in=pause)
        else:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 2, _RESTART_LONGEST)
