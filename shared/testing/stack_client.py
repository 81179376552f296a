"""Clients for services of a running stack."""

import os
from pathlib import Path

from shared.kit.auth.service_identity import AssertionSigner
from shared.kit.http.client import ServiceClient
from shared.kit.http.transport import HttpTransport


def stack_client(caller: str, callee: str) -> ServiceClient:
    """The client of `caller` for `callee` in a running stack, with the identity it has there.

    Reads what `./dev test adapters` gives: BACK_POSTGRES_URL and so on, and TEST_SECRETS_ROOT, a
    folder with `<service>/identity.key`.
    """
    url = os.environ[f"{callee.replace('-', '_').upper()}_URL"]
    pem = (Path(os.environ["TEST_SECRETS_ROOT"]) / caller / "identity.key").read_text()
    return ServiceClient(caller, callee, HttpTransport(url), AssertionSigner.from_pem(caller, pem))
