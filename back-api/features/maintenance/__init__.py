"""Maintenance tasks that an admin starts."""

from fastapi import APIRouter

from features.maintenance.api import router
from features.maintenance.domain import Maintenance
from services.postgres_events import PostgresEvents
from services.worker_tasks import WorkerTasks
from shared.kit import ServiceClient


def feature(workers: ServiceClient, postgres: ServiceClient) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    return router(Maintenance(WorkerTasks(workers), PostgresEvents(postgres)))
