"""back-cassandra: audit and auth events, in CQL, without business rules."""

from fastapi import FastAPI

from database import Database
from repositories import audit_repository
from repositories.audit_repository import AuditRepository
from routes import audit
from settings import Settings
from shared.kit import Service


def app() -> FastAPI:
    settings = Settings()
    service = Service(settings)

    database = service.resource(Database(settings, audit_repository.STATEMENTS))
    service.background(database.stay_connected)
    service.ready("cassandra", database.ping)

    audit_log = AuditRepository(
        database, page_days=settings.page_days, page_timeout=settings.page_timeout
    )
    service.api.include_router(audit.router(audit_log))
    return service.api
