"""The contract of the audit log, on the fake and on Cassandra."""

import pytest

from database import Database
from repositories.audit_repository import AuditRepository
from settings import Settings
from tests.audit_log_contract import PAGE_DAYS, AuditLogContract
from tests.fake_audit_log import FakeAuditLog


class TestFakeAuditLog(AuditLogContract):
    @pytest.fixture
    def log(self) -> FakeAuditLog:
        return FakeAuditLog(PAGE_DAYS)


class TestAuditRepository(AuditLogContract):
    @pytest.fixture
    def log(self, database: Database, settings: Settings) -> AuditRepository:
        return AuditRepository(database, page_days=PAGE_DAYS, page_timeout=settings.page_timeout)
