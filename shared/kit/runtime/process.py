"""Logging and clients of any process. No web framework is imported here: workers need none."""

from shared.kit.auth.service_identity import AssertionSigner
from shared.kit.http.client import ServiceClient
from shared.kit.http.transport import HttpTransport, Transport
from shared.kit.runtime.log import configure_logging
from shared.kit.runtime.settings import ServiceSettings


def start_logging(settings: ServiceSettings) -> None:
    """Configure logging as the settings say, for a process that has no app."""
    configure_logging(settings.service, log_format=settings.log_format, level=settings.log_level)


def service_client(settings: ServiceSettings, callee: str, at: str | Transport) -> ServiceClient:
    """A client for a process that has no app; `async with` opens and closes it.

    `at` is the URL of the service, or a transport in tests.
    """
    return ServiceClient(
        settings.service,
        callee,
        HttpTransport(at) if isinstance(at, str) else at,
        AssertionSigner.from_pem(settings.service, settings.secret("identity.key")),
        timeout=settings.call_timeout,
    )
