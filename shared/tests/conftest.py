"""Identities for the kit's own tests, and a service to look at."""

from pathlib import Path

import pytest

from shared.kit import ServiceSettings
from shared.testing.identities import Identities, make_identities


class Settings(ServiceSettings):
    """A service that has nothing of its own."""

    service: str = "back-postgres"
    port: int = 8103


@pytest.fixture
def keys(tmp_path: Path) -> Identities:
    return make_identities(tmp_path, "back-api", "back-auth", "back-postgres", "back-redis")


@pytest.fixture
def settings(keys: Identities, monkeypatch: pytest.MonkeyPatch) -> ServiceSettings:
    for name, value in keys.env("back-postgres").items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("REQUEST_DEADLINE")
    return Settings()
