"""A copy of all that is kept about the user who asks."""

from fastapi import APIRouter

from features.account_export.api import router
from features.account_export.domain import AccountExports
from features.account_export.infrastructure import ServiceOwnData
from features.audit.infrastructure import CassandraAuditLog
from features.background_tasks.domain import BackgroundTaskAccess
from features.notifications.domain import Notifications
from features.notifications.infrastructure import (
    CassandraTimeline,
    PostgresRecipients,
    RedisUnreadCounts,
)
from features.profile.domain import Profiles
from features.profile.infrastructure import PostgresProfiles
from features.tool_launches.infrastructure import CassandraLaunches
from services.postgres_events import PostgresEvents
from services.worker_tasks import WorkerTasks
from shared.kit import ServiceClient


def feature(
    postgres: ServiceClient,
    cassandra: ServiceClient,
    redis: ServiceClient,
    workers: ServiceClient,
) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    events = PostgresEvents(postgres)
    notifications = Notifications(
        PostgresRecipients(postgres), CassandraTimeline(cassandra), RedisUnreadCounts(redis), events
    )
    own = ServiceOwnData(
        postgres,
        redis,
        Profiles(PostgresProfiles(postgres)),
        notifications,
        BackgroundTaskAccess(WorkerTasks(workers)),
        CassandraAuditLog(cassandra),
        launches=CassandraLaunches(cassandra),
    )
    return router(AccountExports(own, events))
