"""Identities of services for one test, in a temporary folder."""

from dataclasses import dataclass
from pathlib import Path

from shared.kit.auth.service_identity import AssertionSigner
from shared.kit.http.client import ServiceClient
from shared.kit.http.headers import ASSERTION_HEADER
from shared.kit.http.transport import Transport
from shared.secrets_init import IdentityKey


@dataclass(frozen=True)
class Identities:
    """Identities of services, made for one test."""

    folder: Path

    def env(self, service: str) -> dict[str, str]:
        """The variables that settings read."""
        return {
            "SECRETS_DIR": str(self.folder / "secrets" / service),
            "PUBLIC_KEYS_DIR": str(self.folder / "public"),
            "ENVIRONMENT": "test",
            # A machine that stands still for some seconds is no outage.
            "CALL_TIMEOUT": "20",
            "REQUEST_DEADLINE": "60",
            "REQUESTS_MIN": "128",
            "REQUESTS_MAX": "128",
        }

    def signer(self, service: str) -> AssertionSigner:
        pem = (self.folder / "secrets" / service / "identity.key").read_text()
        return AssertionSigner.from_pem(service, pem)

    def assertion(self, *, caller: str, to: str) -> dict[str, str]:
        """The header that says that `caller` calls `to`."""
        return {ASSERTION_HEADER: self.signer(caller).assertion_for(to)}

    def client(self, caller: str, callee: str, transport: Transport) -> ServiceClient:
        """The client of `caller` for `callee`, over `transport`."""
        return ServiceClient(caller, callee, transport, self.signer(caller), timeout=20)


def make_identities(folder: Path, *services: str) -> Identities:
    """An identity for each of `services`, below `folder`."""
    for service in services:
        key = IdentityKey(service, folder / "secrets" / service, folder / "public")
        if key.missing():
            key.make()
    return Identities(folder)
