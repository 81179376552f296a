"""The audit log, as back-cassandra keeps it."""

from uuid import UUID

from shared.kit import ServiceClient
from shared.models.audit import AuditPage


class CassandraAuditLog:
    """The audit log of the domain, over HTTP."""

    def __init__(self, cassandra: ServiceClient) -> None:
        self._cassandra = cassandra

    async def page(self, user_id: UUID | None, limit: int, before: str | None) -> AuditPage:
        asked = {"user_id": user_id, "limit": limit, "before": before}
        return await self._cassandra.get("/audit/events", params=asked, response_model=AuditPage)
