"""Named leases: one holder at a time."""

from database import Database
from shared.models.task import HoldNamedLease, NamedLeaseHeld

_HOLD = """
INSERT INTO leases (name, holder, expires_at)
VALUES ($1, $2, now() + make_interval(secs => $3))
ON CONFLICT (name) DO UPDATE
SET holder = excluded.holder, expires_at = excluded.expires_at
WHERE leases.holder = excluded.holder OR leases.expires_at <= now()
RETURNING holder
"""


class LeaseRepository:
    """Reads and writes `leases`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def hold(self, name: str, asked: HoldNamedLease) -> NamedLeaseHeld:
        """Take the lease when it is free, or renew one's own."""
        row = await self._database.row(_HOLD, name, asked.holder, asked.seconds)
        return NamedLeaseHeld(held=row is not None)
