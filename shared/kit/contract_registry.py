"""What the contracts say, as tables that services look things up in.

`shared/kit/contract_registry.json` is generated from the contracts; nobody edits it.
"""

from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True)


class ContractVersion(_Table):
    """A contract's version and the digest of its text."""

    version: str
    digest: str


class Endpoint(_Table):
    """One endpoint and who may call it; `callers` is empty for what only browsers call."""

    service: str
    method: str
    path: str
    scope: str | None
    callers: tuple[str, ...]


class Tables(_Table):
    """Everything that a running service needs to know of the contracts."""

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
def tables() -> Tables:
    """The tables that were generated from the contracts of this version of `shared`."""
    text = files("shared").joinpath("kit/contract_registry.json").read_text()
    return Tables.model_validate_json(text)
