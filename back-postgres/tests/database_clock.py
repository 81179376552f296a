"""A `now()` that only the test moves, so that no pause or lease ends while a test is slow."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from database import AnyConnection

# Found before that of pg_catalog. A default of a column keeps the real one, which is always past.
_INSTALL = """
CREATE SCHEMA clock;
CREATE TABLE clock.moment AS SELECT pg_catalog.now() + interval '1 hour' AS at;
CREATE FUNCTION clock.now() RETURNS timestamptz STABLE LANGUAGE sql
    AS 'SELECT at FROM clock.moment';
"""


class Clock:
    def __init__(self, connection: "AnyConnection") -> None:
        self._connection = connection

    async def advance(self, seconds: float) -> None:
        await self._connection.execute(
            "UPDATE clock.moment SET at = at + make_interval(secs => $1)", seconds
        )


@asynccontextmanager
async def clock_that_stands(connection: "AnyConnection", database: str) -> AsyncIterator[Clock]:
    """Replace `now()` for connections to `database` that are made inside the block."""
    await connection.execute(_INSTALL)
    await connection.execute(
        f"ALTER DATABASE {database} SET search_path = clock, pg_catalog, public"
    )
    try:
        yield Clock(connection)
    finally:
        await connection.execute(f"ALTER DATABASE {database} RESET search_path")
        await connection.execute("DROP SCHEMA clock CASCADE")
