"""What a running service has to know of the contracts: callers, event routing, versions.

`contract_registry.json` beside this file is written from the contracts by ./dev contracts sync.
"""

from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True)


class ContractVersion(_Row):
    """A contract's version and the digest of its text."""

    version: str
    digest: str


class Endpoint(_Row):
    """One endpoint and who may call it; `callers` is empty for what only browsers call."""

    service: str
    method: str
    path: str
    scope: str | None
    callers: tuple[str, ...]


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

    def calls(self, caller: str, callee: str) -> frozenset[tuple[str, tuple[str, ...]]]:
        """Method and path segments of what `caller` may call at `callee`."""
        return frozenset(
            (endpoint.method, tuple(endpoint.path.split("/")))
            for endpoint in self.endpoints
            if endpoint.service == callee and caller in endpoint.callers
        )


@cache
def contract_registry() -> ContractRegistry:
    """The registry that was generated from the contracts of this version of `shared`."""
    text = files("shared").joinpath("kit/contract_registry.json").read_text()
    return ContractRegistry.model_validate_json(text)
