"""Every consumer's pact with back-workers, against its HTTP API on a real broker."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from celery.app.task import Context

from celeryconfig import celery_app, configuration
from main import app
from settings import Settings
from shared.kit.errors import Unavailable
from shared.testing.asgi_client import running
from shared.testing.identities import Identities
from shared.testing.pacts import Provider
from shared.testing.pacts.provider import Parameters, pacts_of
from tests.broker_processes import broker_address


@pytest.fixture
async def provider(
    settings: Settings, keys: Identities, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Provider]:
    broker = broker_address()
    broker.empty()
    (settings.secrets_dir / "broker.password").write_text(broker.password)
    monkeypatch.setenv("BROKER_HOST", broker.host)
    monkeypatch.setenv("BROKER_PORT", str(broker.port))
    monkeypatch.setenv("BROKER_USER", broker.user)
    celery = celery_app(lambda: configuration(Settings()))

    def finished(given: Parameters, result: object, state: str) -> None:
        """The stored result of a task, with its name."""
        ran = Context(task="sweep_credentials", args=[], kwargs={})
        celery.backend.store_result(str(given["task_id"]), result, state, request=ran)

    async def succeeded(given: Parameters) -> None:
        finished(given, given["result"], "SUCCESS")

    async def failed(given: Parameters) -> None:
        assert given["error"] == Unavailable.__name__
        finished(given, Unavailable(), "FAILURE")

    async def clean() -> None:
        broker.empty()

    service = app()
    async with running(service):
        yield Provider(
            "back-workers",
            app=service,
            keys=keys,
            states={"a task has succeeded": succeeded, "a task has failed": failed},
            clean=clean,
        )
    celery.close()


@pytest.mark.parametrize("pact", pacts_of("back-workers"), ids=lambda path: path.stem)
async def test_keeps(provider: Provider, pact: Path) -> None:
    await provider.keeps(pact)
