"""Maintenance tasks that an admin starts."""

from fastapi import APIRouter

from features.maintenance.api import router
from features.maintenance.infrastructure import WorkerTasks
from shared.kit import ServiceClient


def feature(workers: ServiceClient) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    return router(WorkerTasks(workers))
