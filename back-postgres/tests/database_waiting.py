"""Waits for what PostgreSQL itself can see."""

from database import Database
from shared.testing.waiting import until


async def until_found(database: Database, statement: str, *values: object) -> None:
    """Wait until `statement` gives a row."""
    await until(lambda: database.rows(statement, *values))
