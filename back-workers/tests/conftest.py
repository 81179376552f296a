from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker import Broker
from settings import Settings
from shared.testing.identities import Identities, make_identities
from tests.fake_outbox_client import LEASE_SECONDS, FakeOutboxClient
from tests.fake_services import FakeServices
from tests.fake_smtp_server import FakeSmtpServer, mail_server

SERVICES = ("back-api", "back-auth", "back-cassandra", "back-postgres", "back-redis")


@pytest.fixture
def keys(tmp_path: Path) -> Identities:
    made = make_identities(tmp_path, "back-workers", *SERVICES)
    (tmp_path / "secrets" / "back-workers" / "broker.password").write_text("")
    return made


@pytest.fixture
def settings(keys: Identities, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with short pauses and long leases, without a broker."""
    for name, value in keys.env("back-workers").items():
        monkeypatch.setenv(name, value)
    return Settings(
        broker_host="127.0.0.1",
        broker_port=1,
        broker_timeout=0.3,
        lease_seconds=LEASE_SECONDS,
        claim_wait_seconds=0.2,
        claim_fallback_seconds=0.02,
        pause_seconds=0.05,
        deliveries_at_once=4,
        gather_seconds=0.005,
        stop_seconds=20,
        mail_seconds=20,
        smtp_timeout=10,
    )


@pytest.fixture
async def outbox() -> FakeOutboxClient:
    return FakeOutboxClient()


@pytest.fixture
def services(outbox: FakeOutboxClient) -> FakeServices:
    return FakeServices(outbox)


@pytest.fixture
async def smtp() -> AsyncIterator[FakeSmtpServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture
async def broker(settings: Settings) -> AsyncIterator[Broker]:
    """The client of a broker that does not run."""
    async with Broker(settings) as broker:
        yield broker
