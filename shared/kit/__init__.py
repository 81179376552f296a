"""The service kit: everything that is the same in every service, said once."""

from shared.kit.http.client import ServiceClient
from shared.kit.runtime.service import Service, asks_back_auth, service_client, start_logging
from shared.kit.runtime.settings import ServiceSettings

__all__ = [
    "Service",
    "ServiceClient",
    "ServiceSettings",
    "asks_back_auth",
    "service_client",
    "start_logging",
]
