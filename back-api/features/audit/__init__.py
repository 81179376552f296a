"""The audit log, for admins."""

from fastapi import APIRouter

from features.audit.api import router
from features.audit.infrastructure import CassandraAuditLog
from shared.kit import ServiceClient


def feature(cassandra: ServiceClient) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    return router(CassandraAuditLog(cassandra))
