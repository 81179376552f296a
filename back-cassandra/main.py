"""back-cassandra: audit and auth events, timelines and launches, in CQL, without business rules."""

from fastapi import FastAPI

from database import Database
from repositories import audit_repository, launch_repository, timeline_repository
from repositories.audit_repository import AuditRepository
from repositories.launch_repository import LaunchRepository
from repositories.timeline_repository import TimelineRepository
from routes import audit, launches, timeline
from settings import Settings
from shared.kit import Service


def app() -> FastAPI:
    settings = Settings()
    service = Service(settings)

    statements = (
        *audit_repository.STATEMENTS,
        *timeline_repository.STATEMENTS,
        *launch_repository.STATEMENTS,
    )
    database = service.resource(Database(settings, statements))
    service.background(database.stay_connected)
    service.ready("cassandra", database.ping)

    audit_log = AuditRepository(
        database, page_days=settings.page_days, page_timeout=settings.page_timeout
    )
    service.api.include_router(audit.router(audit_log))
    timelines = TimelineRepository(
        database, kept_seconds=settings.timeline_kept_seconds, page_timeout=settings.page_timeout
    )
    service.api.include_router(timeline.router(timelines))
    launched = LaunchRepository(
        database, kept_seconds=settings.launches_kept_seconds, page_timeout=settings.page_timeout
    )
    service.api.include_router(launches.router(launched))
    return service.api
