"""The audit log, for admins."""

from fastapi import APIRouter

from features.audit.api import router
from features.audit.domain import AuditReader
from features.audit.infrastructure import CassandraAuditLog
from services.postgres_events import PostgresEvents
from shared.kit import ServiceClient


def feature(cassandra: ServiceClient, postgres: ServiceClient) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    return router(AuditReader(CassandraAuditLog(cassandra), PostgresEvents(postgres)))
