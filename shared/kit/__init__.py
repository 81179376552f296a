"""The service kit: what every service runs.

A name is imported when it is first used: a worker has no web framework and a job no HTTP client,
and either would take more time to import than the process itself needs to start.
"""

from importlib import import_module  # noqa: TID251 - type checkers see the imports below
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.kit.http.client import ServiceClient
    from shared.kit.http.transport import Connect
    from shared.kit.runtime.process import service_client, start_logging
    from shared.kit.runtime.service import Service
    from shared.kit.runtime.settings import ServiceSettings

_MODULES = {
    "Connect": "shared.kit.http.transport",
    "Service": "shared.kit.runtime.service",
    "ServiceClient": "shared.kit.http.client",
    "ServiceSettings": "shared.kit.runtime.settings",
    "service_client": "shared.kit.runtime.process",
    "start_logging": "shared.kit.runtime.process",
}

__all__ = [
    "Connect",
    "Service",
    "ServiceClient",
    "ServiceSettings",
    "service_client",
    "start_logging",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
