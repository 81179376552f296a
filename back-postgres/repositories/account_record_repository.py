"""The account itself, as its user is given it."""

from uuid import UUID

from database import Database
from shared.kit.errors import NotFound
from shared.models.account import AccountRecord

_BY_ID = """
SELECT id, email, role, status, terms_version, terms_accepted_at, created_at, updated_at
FROM users
WHERE id = $1
"""


class AccountRecordRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_user(self, user_id: UUID) -> AccountRecord:
        """Raises NotFound `user_not_found`."""
        row = await self._database.row(_BY_ID, user_id)
        if row is None:
            raise NotFound("There is no such user.", code="user_not_found")
        return AccountRecord.model_validate(dict(row))
