"""Waits on what PostgreSQL itself can see."""

import asyncio
from time import monotonic

from database import Database


async def until(database: Database, statement: str, *values: object, within: float = 20) -> None:
    """Wait until `statement` answers with a row."""
    end = monotonic() + within
    while not await database.rows(statement, *values):
        assert monotonic() < end, f"it did not come to pass: {statement}"
        await asyncio.sleep(0.005)
