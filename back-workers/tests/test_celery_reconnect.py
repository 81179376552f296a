from collections.abc import Callable
from types import SimpleNamespace

import pytest

from celery_reconnect import FastReconnectConnection, ReconnectingRequest, ReconnectingTask
from celeryconfig import celery_app, configuration
from settings import Settings


def acknowledging(on_ack: Callable[..., None]) -> SimpleNamespace:
    """The part of a received request that acknowledges it."""
    return SimpleNamespace(acknowledged=False, _on_ack=on_ack)


class TestNoticingRequest:
    def test_a_lost_acknowledgement_is_an_error_of_the_connection(self) -> None:
        def lost(logger: object, errors: tuple[type[Exception], ...]) -> None:
            try:
                raise ConnectionError("the broker is out")
            except errors:
                return

        request = acknowledging(lost)
        with pytest.raises(ConnectionError):
            ReconnectingRequest.acknowledge(request)  # type: ignore[arg-type]
        assert not request.acknowledged

    def test_a_task_is_acknowledged_once(self) -> None:
        calls: list[object] = []
        request = acknowledging(lambda *arguments: calls.append(arguments))
        ReconnectingRequest.acknowledge(request)  # type: ignore[arg-type]
        ReconnectingRequest.acknowledge(request)  # type: ignore[arg-type]
        assert (len(calls), request.acknowledged) == (1, True)


class TestApp:
    def test_every_app_uses_them(self, settings: Settings) -> None:
        app = celery_app(lambda: configuration(settings))
        assert app.amqp.Connection is FastReconnectConnection
        assert issubclass(app.Task, ReconnectingTask)
        assert app.Task.Request == "celery_reconnect:ReconnectingRequest"
