"""back-cassandra: audit and auth events and timelines, in CQL, without business rules."""

from fastapi import FastAPI

from database import Database
from repositories import audit_repository, timeline_repository
from repositories.audit_repository import AuditRepository
from repositories.timeline_repository import TimelineRepository
from routes import audit, timeline
from settings import Settings
from shared.kit import Service


def app() -> FastAPI:
    settings = Settings()
    service = Service(settings)

    statements = (*audit_repository.STATEMENTS, *timeline_repository.STATEMENTS)
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
    return service.api
