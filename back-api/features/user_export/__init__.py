"""Exports of all users, for admins."""

from fastapi import APIRouter

from features.user_export.api import router
from features.user_export.domain import UserExports
from features.user_export.infrastructure import WorkerExports
from services.postgres_events import PostgresEvents
from services.worker_tasks import WorkerTasks
from shared.kit import ServiceClient


def feature(workers: ServiceClient, postgres: ServiceClient) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    exports = WorkerExports(workers)
    return router(UserExports(WorkerTasks(workers), exports, PostgresEvents(postgres)))
