from fastapi import FastAPI

from broker import Broker
from routes import tasks
from settings import Settings
from shared.kit import Service


def app() -> FastAPI:
    """The HTTP service of the workers: starts tasks and reports their state."""
    settings = Settings()
    service = Service(settings)
    broker = service.resource(Broker(settings))
    # Nothing here calls it; its state in /health is that of the relay's and the worker's source.
    service.client("back-postgres", settings.back_postgres_url)
    service.ready("broker", broker.ping)
    service.api.include_router(tasks.router(broker))
    return service.api
