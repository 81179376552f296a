"""Background tasks, for their owners and admins."""

from fastapi import APIRouter

from features.background_tasks.api import router
from features.background_tasks.domain import BackgroundTaskAccess
from services.worker_tasks import WorkerTasks
from shared.kit import ServiceClient


def feature(workers: ServiceClient) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    return router(BackgroundTaskAccess(WorkerTasks(workers)))
