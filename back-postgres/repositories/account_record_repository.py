"""The account itself, as its user is given it."""

from uuid import UUID

from database import Database
from shared.kit.errors import NotFound
from shared.models.account_export import AccountRecord

_BY_ID = """
SELECT id, email, role, status, terms_version, terms_accepted_at, created_at, updated_at
FROM users
WHERE id = $1
"""

_FAVOURITES = """
SELECT tool_id, name, favourites.created_at AS marked_at
FROM favourites
JOIN tools ON tools.id = favourites.tool_id
WHERE user_id = $1
ORDER BY favourites.created_at DESC, tool_id
"""


class AccountRecordRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_user(self, user_id: UUID) -> AccountRecord:
        """Raises NotFound `user_not_found`."""
        row = await self._database.row(_BY_ID, user_id)
        if row is None:
            raise NotFound("There is no such user.", code="user_not_found")
        favourites = await self._database.rows(_FAVOURITES, user_id)
        return AccountRecord.model_validate(dict(row) | {"favourites": list(map(dict, favourites))})
