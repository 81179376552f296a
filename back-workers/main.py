from fastapi import FastAPI

from broker import Broker
from exports.download_links import DownloadLinks
from routes import exports, tasks
from settings import Settings
from shared.kit import Service
from task_client import TaskClient


def app() -> FastAPI:
    """The HTTP service of the workers: starts, reads and cancels tasks."""
    settings = Settings()
    service = Service(settings)
    broker = service.resource(Broker(settings))
    postgres = service.client("back-postgres", settings.back_postgres_url)
    redis = service.client("back-redis", settings.back_redis_url)
    service.ready("broker", broker.ping)
    service.api.include_router(tasks.router(TaskClient(postgres)))
    service.api.include_router(exports.router(DownloadLinks(redis, settings)))
    return service.api
