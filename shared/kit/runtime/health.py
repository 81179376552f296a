"""The health endpoints of a service: live, ready, and the state of its dependencies."""

import asyncio
import time
import tomllib
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from shared.kit.contract_registry import contract_registry
from shared.kit.errors import ServiceError, Unavailable
from shared.kit.runtime.health_page import health_page
from shared.models.event_administration import Backlog, ConsumerBacklog
from shared.models.health import Dependency, Health, Live

log = structlog.get_logger()

Check = Callable[[], Awaitable[object]]

_CHECK_SECONDS = 1.0
_ANSWER_KEPT_SECONDS = 1.0
BACKLOG_KEPT_SECONDS = 5.0


def version_in(folder: Path) -> str:
    """The version in the pyproject.toml of `folder`."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return str(project["version"])


class HealthChecks:
    """The checks that make a service ready, and those of the services that it calls."""

    def __init__(self, service: str, version: str) -> None:
        self.service = service
        self._version = version
        self._started = time.monotonic()
        self._own: dict[str, Check] = {}
        self._others: dict[str, Check] = {}
        self._answer: tuple[float, Health] | None = None
        self._read_backlog: Callable[[], Awaitable[Backlog]] | None = None
        self._backlog: tuple[float, list[ConsumerBacklog] | None] | None = None

    def needs(self, name: str, check: Check) -> None:
        """While `check` raises, the service is not ready."""
        self._own[name] = check

    def uses(self, name: str, check: Check) -> None:
        """While `check` raises, the service is degraded."""
        self._others[name] = check

    def shows_backlog(self, read: Callable[[], Awaitable[Backlog]]) -> None:
        """Show what `read` gives, kept for 5 s; it decides nothing."""
        self._read_backlog = read

    async def ready(self) -> None:
        """Raises Unavailable, which names the failed checks."""
        found = await asyncio.gather(*(_look(name, check) for name, check in self._own.items()))
        missing = [dependency.name for dependency in found if dependency.state == "down"]
        if missing:
            raise Unavailable(f"Not ready: {', '.join(missing)}.", code="not_ready", retry_after=1)

    async def health(self) -> Health:
        """The result of all checks, cached for a second."""
        if self._answer and time.monotonic() - self._answer[0] < _ANSWER_KEPT_SECONDS:
            return self._answer[1]
        own = await asyncio.gather(*(_look(name, check) for name, check in self._own.items()))
        others = await asyncio.gather(*(_look(n, check) for n, check in self._others.items()))
        down = [dependency for dependency in own if dependency.state == "down"]
        degraded = [dependency for dependency in others if dependency.state == "down"]
        answer = Health(
            status="down" if down else "degraded" if degraded else "ok",
            service=self.service,
            version=self._version,
            uptime_seconds=round(time.monotonic() - self._started, 1),
            dependencies=[*own, *others],
            contracts={name: it.version for name, it in contract_registry().contracts.items()},
            contracts_digest=contract_registry().digest,
            backlog=await self._backlog_now(),
        )
        self._answer = (time.monotonic(), answer)
        return answer

    async def _backlog_now(self) -> list[ConsumerBacklog] | None:
        if self._read_backlog is None:
            return None
        if self._backlog and time.monotonic() - self._backlog[0] < BACKLOG_KEPT_SECONDS:
            return self._backlog[1]
        found = None
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                found = (await self._read_backlog()).consumers
        except Exception as error:  # noqa: BLE001  (it is any code, and health must answer)
            log.warning("backlog_not_read", reason=type(error).__name__)
        self._backlog = (time.monotonic(), found)
        return found

    def router(self) -> APIRouter:
        """`/health/live`, `/health/ready` and `/health`, which is a page where HTML is accepted."""
        router = APIRouter(tags=["health"])

        @router.get("/health/live")
        async def live() -> Live:
            return Live(service=self.service)

        @router.get("/health/ready")
        async def ready() -> Live:
            await self.ready()
            return Live(service=self.service)

        @router.get(
            "/health",
            response_model=Health,
            responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
        )
        async def health(request: Request, response: Response) -> Health | HTMLResponse:
            found = await self.health()
            if "text/html" in request.headers.get("accept", ""):
                return health_page(found)
            response.headers["Vary"] = "Accept"
            return found

        return router


async def _look(name: str, check: Check) -> Dependency:
    started = time.perf_counter()
    detail: str | None = None
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            await check()
    except TimeoutError:
        detail = "did not answer in time"
    except ServiceError as error:
        detail = error.detail
    except Exception as error:  # noqa: BLE001  (a check is any code, and health must answer)
        detail = type(error).__name__
    return Dependency(
        name=name,
        state="down" if detail else "ok",
        latency_ms=round((time.perf_counter() - started) * 1000, 1),
        detail=detail,
    )
