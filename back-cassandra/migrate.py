"""Migrations of the schema: `python -m migrate up | down | status`."""

import argparse
import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import structlog

from driver import Connection, Row
from settings import Settings
from shared.kit import start_logging

log = structlog.get_logger()

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_SECONDS = 15
_LOCK_PAUSE = 0.25
Renew = Callable[[], Awaitable[None]]

_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)


class MigrationError(Exception):
    """The schema can't be migrated; the message says what to do."""


@dataclass(frozen=True)
class Migration:
    """One numbered migration, up and down; its CQL statements may be run twice."""

    name: str
    up: str
    down: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.up.encode()).hexdigest()


def known(folder: Path = MIGRATIONS) -> list[Migration]:
    """All migrations in `folder` in their order: `NNNN_name.up.cql` and `NNNN_name.down.cql`."""
    return [
        Migration(
            name=file.name.removesuffix(".up.cql"),
            up=file.read_text(),
            down=file.with_name(file.name.replace(".up.cql", ".down.cql")).read_text(),
        )
        for file in sorted(folder.glob("*.up.cql"))
    ]


async def migrate_up(
    connection: Connection, settings: Settings, migrations: Sequence[Migration] | None = None
) -> list[str]:
    """Run pending migrations and return their names. A newer schema is not changed.

    Raises MigrationError when a migration was changed after it ran.
    """
    journal = Journal(connection, settings)
    await journal.prepare()
    wanted = known() if migrations is None else migrations
    done: list[str] = []
    if not await journal.missing(wanted):
        return done
    async with journal.locked() as renew:
        for migration in await journal.missing(wanted):
            await renew()
            await journal.run(migration.up)
            await journal.applied(migration)
            log.info("schema_migrated", migration=migration.name)
            done.append(migration.name)
    return done


async def migrate_down(
    connection: Connection, settings: Settings, migrations: Sequence[Migration] | None = None
) -> str | None:
    """Revert the newest migration and return its name."""
    journal = Journal(connection, settings)
    await journal.prepare()
    wanted = known() if migrations is None else migrations
    async with journal.locked():
        ran = await journal.checksums()
        if not ran:
            return None
        newest = max(ran)
        by_name = {migration.name: migration for migration in wanted}
        if newest not in by_name:
            raise MigrationError(f"This version does not know {newest}: use the one that ran it.")
        await journal.run(by_name[newest].down)
        await journal.taken_back(newest)
        return newest


class Journal:
    """The tables that record which migrations ran, and the lock for running one."""

    def __init__(self, connection: Connection, settings: Settings) -> None:
        self._connection = connection
        self._keyspace = settings.cassandra_keyspace
        self._replicas = settings.cassandra_replication_factor

    async def prepare(self) -> None:
        """Create the keyspace and the journal's two tables where missing."""
        found = await self._ask(
            "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s", self._keyspace
        )
        if {"schema_migrations", "schema_lock"} <= {row["table_name"] for row in found}:
            return
        replication = {"class": "NetworkTopologyStrategy", "replication_factor": self._replicas}
        await self.run(f"""
            CREATE KEYSPACE IF NOT EXISTS {self._keyspace} WITH replication = {replication};
            CREATE TABLE IF NOT EXISTS {self._keyspace}.schema_migrations
                (name text PRIMARY KEY, checksum text, applied_at timestamp);
            CREATE TABLE IF NOT EXISTS {self._keyspace}.schema_lock
                (name text PRIMARY KEY, holder uuid);
        """)

    async def checksums(self) -> dict[str, str]:
        """The migrations that ran, by name."""
        rows = await self._ask("SELECT name, checksum FROM {keyspace}.schema_migrations")
        return {row["name"]: row["checksum"] for row in rows}

    async def missing(self, wanted: Sequence[Migration]) -> list[Migration]:
        """Those of `wanted` that have not run. Raises MigrationError for one that was changed."""
        ran = await self.checksums()
        for migration in wanted:
            if ran.get(migration.name, migration.checksum) != migration.checksum:
                raise MigrationError(
                    f"{migration.name} was changed after it ran: add a new migration instead."
                )
        return [migration for migration in wanted if migration.name not in ran]

    async def run(self, script: str) -> None:
        """Run CQL statements one by one, with `{keyspace}` replaced."""
        for statement in _COMMENT.sub("", script).split(";"):
            if statement.strip():
                await self._ask(statement)

    async def applied(self, migration: Migration) -> None:
        await self._ask(
            "INSERT INTO {keyspace}.schema_migrations (name, checksum, applied_at)"
            " VALUES (%s, %s, toTimestamp(now()))",
            migration.name,
            migration.checksum,
        )

    async def taken_back(self, name: str) -> None:
        await self._ask("DELETE FROM {keyspace}.schema_migrations WHERE name = %s", name)

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[Renew]:
        """A lock among all copies of the service, which expires when its holder dies.

        Renewing it raises MigrationError when it was lost.
        """
        holder = uuid4()
        while True:
            if await self._take(holder):
                break
            await asyncio.sleep(_LOCK_PAUSE)

        async def renew() -> None:
            if not await self._hold(holder):
                raise MigrationError("Another copy took over the migration; this one stops.")

        try:
            yield renew
        finally:
            await self._ask(
                "DELETE FROM {keyspace}.schema_lock WHERE name = 'migration' IF holder = %s", holder
            )

    async def _take(self, holder: UUID) -> bool:
        rows = await self._ask(
            "INSERT INTO {keyspace}.schema_lock (name, holder) VALUES ('migration', %s)"
            " IF NOT EXISTS USING TTL %s",
            holder,
            LOCK_SECONDS,
        )
        return bool(rows[0]["[applied]"])

    async def _hold(self, holder: UUID) -> bool:
        rows = await self._ask(
            "UPDATE {keyspace}.schema_lock USING TTL %s SET holder = %s"
            " WHERE name = 'migration' IF holder = %s",
            LOCK_SECONDS,
            holder,
            holder,
        )
        return bool(rows[0]["[applied]"])

    async def _ask(self, statement: str, *values: object) -> list[Row]:
        return await self._connection.run(statement.replace("{keyspace}", self._keyspace), *values)


async def _command(what: str) -> None:
    settings = Settings()
    start_logging(settings)
    connection = await Connection.open(settings)
    try:
        if what == "up":
            await migrate_up(connection, settings)
        elif what == "down":
            await migrate_down(connection, settings)
        journal = Journal(connection, settings)
        await journal.prepare()
        ran = await journal.checksums()
    finally:
        await connection.close()
    for name in sorted({migration.name for migration in known()} | set(ran)):
        print(f"{name}  {'ran' if name in ran else 'missing'}")  # noqa: T201  (a command line)


def main() -> None:
    parser = argparse.ArgumentParser(prog="migrate", description=__doc__)
    parser.add_argument("what", choices=["up", "down", "status"])
    asyncio.run(_command(parser.parse_args().what))


if __name__ == "__main__":
    main()
