"""The relay as one process: all consumers side by side, and how it ends."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

import heartbeat
from relay.__main__ import main
from settings import Settings
from shared.kit.errors import Unavailable
from shared.testing.uvicorn_server import served
from shared.testing.waiting import until
from tests.fake_outbox_client import FakeOutboxClient
from tests.fake_services import FakeServices


@pytest.fixture
async def relaying(
    services: FakeServices, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[asyncio.Task[None]]:
    """The relay's own `main`, without a broker; SIGTERM ends it."""
    async with served(services.app()) as url:
        for name in (
            "BACK_API_URL",
            "BACK_POSTGRES_URL",
            "BACK_CASSANDRA_URL",
            "BACK_REDIS_URL",
        ):
            monkeypatch.setenv(name, url)
        monkeypatch.setenv("BROKER_PORT", "1")
        monkeypatch.setenv("BROKER_TIMEOUT", "0.3")
        monkeypatch.setenv("CLAIM_WAIT_SECONDS", "0.2")
        monkeypatch.setenv("PAUSE_SECONDS", "0.05")
        monkeypatch.setenv("HEARTBEAT_DIR", str(tmp_path))
        relaying = asyncio.create_task(main())
        await until(lambda: heartbeat.is_fresh("relay"))
        yield relaying
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(20):
            await relaying


@pytest.mark.usefixtures("relaying")
class TestRelay:
    async def test_a_broker_that_is_out_stops_neither_audit_nor_live(
        self, services: FakeServices, outbox: FakeOutboxClient
    ) -> None:
        mail = outbox.add("mail")
        audit = outbox.add("audit")
        live = outbox.add("live", payload={"user_id": str(uuid4())})
        await until(lambda: (audit.state, live.state) == ("done", "done"))
        assert len(services.audited) == len(services.published) == 1
        await until(lambda: outbox.postponed)
        assert (mail.state != "done", mail.attempts) == (True, 0)

    async def test_an_audit_log_that_is_out_costs_no_attempt(
        self, services: FakeServices, outbox: FakeOutboxClient
    ) -> None:
        services.audit_down = Unavailable()
        audit = outbox.add("audit")
        live = outbox.add("live", payload={"user_id": str(uuid4())})
        await until(lambda: live.state == "done" and outbox.postponed)
        services.audit_down = None
        await until(lambda: audit.state == "done")
        assert audit.attempts == 0

    async def test_an_event_on_which_its_consumer_fails_dies_alone(
        self, services: FakeServices, outbox: FakeOutboxClient
    ) -> None:
        aggregate_id = uuid4()
        poison = outbox.add("audit", aggregate_id=aggregate_id)
        services.fails_on = poison.envelope.event_id
        behind = outbox.add("audit", aggregate_id=aggregate_id)
        others = [outbox.add("audit") for _ in range(10)]
        await until(lambda: {row.state for row in others} == {"done"})
        await until(lambda: (poison.state, behind.state) == ("dead", "done"))
        assert (poison.attempts, outbox.postponed) == (8, 0)
