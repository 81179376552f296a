"""Users with their profiles, page by page, for an export."""

from uuid import UUID

from database import Database
from shared.models.export import ExportedUser, ExportedUsers

_PAGE = """
SELECT users.id, email, role, status, users.created_at, first_name, last_name, display_name,
    company, job_title, language, timezone
FROM users
LEFT JOIN profiles ON profiles.user_id = users.id
WHERE users.id > $1
ORDER BY users.id
LIMIT $2
"""

_FIRST = UUID(int=0)


class ExportedUserRepository:
    """Reads `users` and `profiles`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, after: UUID | None, limit: int) -> ExportedUsers:
        """Users in the order of their ids, after one id."""
        rows = await self._database.rows(_PAGE, after or _FIRST, limit)
        # The table holds what the model says; to check it again would double the work of a page.
        return ExportedUsers.model_construct(
            items=[ExportedUser.model_construct(**dict(row)) for row in rows]
        )
