"""What a running service has to know of the contracts: callers, event routing, versions.

`contract_registry.json` beside this file is written from the contracts by ./dev contracts sync.
"""

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True)


class ContractVersion(_Row):
    """A contract's version and the digest of its text."""

    version: str
    digest: str


class Endpoint(_Row):
    """One endpoint and who may call it; `callers` is empty for what only browsers call.

    `held_open` where the answer is a stream or a long poll.
    """

    service: str
    method: str
    path: str
    scope: str | None
    callers: tuple[str, ...]
    priority: Literal["normal", "critical"] = "normal"
    held_open: bool = False


class ContractRegistry(_Row):
    """Callers by endpoint, consumers by event type, and the version of each contract."""

    digest: str
    contracts: dict[str, ContractVersion]
    endpoints: tuple[Endpoint, ...]
    routing: dict[str, tuple[str, ...]]

    def callers_of(self, service: str, scope: str) -> frozenset[str]:
        """The services that may use `scope` of `service`."""
        return frozenset(
            caller
            for endpoint in self.endpoints
            if endpoint.service == service and endpoint.scope == scope
            for caller in endpoint.callers
        )

    def calls(self, caller: str, callee: str) -> re.Pattern[str] | None:
        """Matches method and path, like `GET /users/1`, of what `caller` may call at `callee`.

        None where that is nothing.
        """
        return _pattern(
            endpoint
            for endpoint in self.endpoints
            if endpoint.service == callee and caller in endpoint.callers
        )


class RequestClasses:
    """Which requests to one service are critical, and which are held open."""

    def __init__(self, critical: Iterable[Endpoint], held_open: Iterable[Endpoint]) -> None:
        self._critical = _pattern(critical)
        self._held_open = _pattern(held_open)

    @classmethod
    def of(cls, service: str) -> Self:
        """As the contracts have it."""
        own = [it for it in contract_registry().endpoints if it.service == service]
        critical = [it for it in own if it.priority == "critical"]
        return cls(critical, [it for it in own if it.held_open])

    def is_critical(self, method: str, path: str) -> bool:
        return self._critical is not None and bool(self._critical.fullmatch(f"{method} {path}"))

    def is_held_open(self, method: str, path: str) -> bool:
        return self._held_open is not None and bool(self._held_open.fullmatch(f"{method} {path}"))


def _pattern(endpoints: Iterable[Endpoint]) -> re.Pattern[str] | None:
    paths = [f"{it.method} " + _any_segment(it.path) for it in endpoints]
    return re.compile("|".join(paths)) if paths else None


def _any_segment(path: str) -> str:
    parts = re.split(r"\{\w+\}", path)
    return "[^/]+".join(re.escape(part) for part in parts)


@cache
def contract_registry() -> ContractRegistry:
    """The registry that was generated from the contracts of this version of `shared`."""
    text = files("shared").joinpath("kit/contract_registry.json").read_text()
    return ContractRegistry.model_validate_json(text)
