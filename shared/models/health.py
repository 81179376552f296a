"""What a service says of its state."""

from typing import Literal

from pydantic import Field

from shared.models.base import Response


class Live(Response):
    """The process answers."""

    status: Literal["ok"] = "ok"
    service: str


class Dependency(Response):
    """Something that the service needs, as it looked just now."""

    name: str
    state: Literal["ok", "down"]
    latency_ms: float
    detail: str | None = None


class Health(Response):
    """The state of a service and of everything it needs.

    `ok`: all well; `degraded`: serving, but a dependency is down; `down`: not ready.
    """

    status: Literal["ok", "degraded", "down"]
    service: str
    version: str
    uptime_seconds: float
    dependencies: list[Dependency]
    contracts: dict[str, str] = Field(description="contract versions by feature")
    contracts_digest: str
