"""The service kit: what every service runs."""

from shared.kit.http.client import ServiceClient
from shared.kit.runtime.service import Connect, Service, service_client, start_logging
from shared.kit.runtime.settings import ServiceSettings

__all__ = [
    "Connect",
    "Service",
    "ServiceClient",
    "ServiceSettings",
    "service_client",
    "start_logging",
]
