"""What users are told: made by admins and by events, read in a list, told as they prefer."""

from fastapi import APIRouter

from features.notifications.api import router
from features.notifications.domain import Notifications
from features.notifications.infrastructure import (
    CassandraTimeline,
    PostgresRecipients,
    RedisUnreadCounts,
)
from services.postgres_events import PostgresEvents
from shared.kit import ServiceClient


def feature(postgres: ServiceClient, cassandra: ServiceClient, redis: ServiceClient) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    return router(
        Notifications(
            PostgresRecipients(postgres),
            CassandraTimeline(cassandra),
            RedisUnreadCounts(redis),
            PostgresEvents(postgres),
        )
    )
