"""The deliveries of events, for admins and operators."""

from fastapi import APIRouter

from features.event_administration.api import router
from features.event_administration.domain import EventAdministration
from features.event_administration.infrastructure import PostgresDeliveries
from shared.kit import Service, ServiceClient


def feature(service: Service, postgres: ServiceClient) -> APIRouter:
    """The routes of the feature; `/health` shows the backlog of each consumer."""
    administration = EventAdministration(PostgresDeliveries(postgres))
    service.shows_backlog(administration.backlog)
    return router(administration)
