"""The health of a service."""

from typing import Literal

from pydantic import Field

from shared.models.base import Response
from shared.models.event_administration import ConsumerBacklog


class Live(Response):
    """The process answers."""

    status: Literal["ok"] = "ok"
    service: str


class Dependency(Response):
    """The state of something that the service depends on."""

    name: str
    state: Literal["ok", "down"]
    latency_ms: float
    detail: str | None = None


class Health(Response):
    """The state of a service and of its dependencies.

    `degraded`: the service answers, but a dependency is down. `down`: it is not ready.
    """

    status: Literal["ok", "degraded", "down"]
    service: str
    version: str
    uptime_seconds: float
    dependencies: list[Dependency]
    contracts: dict[str, str] = Field(description="contract versions by feature")
    contracts_digest: str
    backlog: list[ConsumerBacklog] | None = Field(
        default=None, description="of each consumer of events, where the service knows it"
    )
