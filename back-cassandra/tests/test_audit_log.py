"""The contract of the audit log, on the fake and on Cassandra."""

import pytest

from database import Database
from driver import Write
from repositories import audit_repository
from repositories.audit_repository import LISTED_SECONDS, AuditRepository
from settings import Settings
from shared.kit.errors import TimedOut
from shared.kit.http.page_position import END
from shared.testing.clock import Clock
from tests.audit_log_contract import PAGE_DAYS, AuditLogContract
from tests.events import event
from tests.fake_audit_log import FakeAuditLog


class TestFakeAuditLog(AuditLogContract):
    @pytest.fixture
    def log(self) -> FakeAuditLog:
        return FakeAuditLog(PAGE_DAYS)


class TestAuditRepository(AuditLogContract):
    @pytest.fixture
    def log(self, database: Database, settings: Settings) -> AuditRepository:
        return AuditRepository(database, page_days=PAGE_DAYS, page_timeout=settings.page_timeout)


class TestDays:
    """A day is listed with its first event, and again only after a while."""

    async def test_a_day_is_listed_once_a_minute(
        self, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        listed: list[object] = []
        write, clock = database.write, Clock()

        async def counting_write(*partitions: list[Write]) -> None:
            listed.extend(
                values for writes in partitions for text, values in writes if "audit_days" in text
            )
            await write(*partitions)

        monkeypatch.setattr(database, "write", counting_write)
        monkeypatch.setattr(audit_repository, "time", clock)
        log = AuditRepository(database, page_days=PAGE_DAYS, page_timeout=settings.page_timeout)

        await log.store([event()])
        await log.store([event()])
        assert len(listed) == 1
        clock.now += LISTED_SECONDS
        await log.store([event()])
        assert len(listed) == 2
        assert len((await log.page(user_id=None, limit=10, before=END)).items) == 3

    async def test_a_day_that_could_not_be_listed_is_listed_with_the_next_event(
        self, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def failing_write(*partitions: list[Write]) -> None:
            if partitions:
                raise TimedOut("Cassandra took too long.")

        log = AuditRepository(database, page_days=PAGE_DAYS, page_timeout=settings.page_timeout)
        with monkeypatch.context() as patch:
            patch.setattr(database, "write", failing_write)
            with pytest.raises(TimedOut):
                await log.store([event()])

        await log.store([event()])
        assert len((await log.page(user_id=None, limit=10, before=END)).items) == 1
