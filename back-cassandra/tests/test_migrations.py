"""Migrations up and down, on Cassandra."""

import asyncio
from pathlib import Path

import pytest

import migrate
from driver import Connection
from migrate import Journal, Migration, MigrationError, known, migrate_down, migrate_up
from settings import Settings

FIRST = Migration(
    name="0001_first",
    up="-- a comment; with a semicolon\n"
    "CREATE TABLE IF NOT EXISTS {keyspace}.first (id int PRIMARY KEY);",
    down="DROP TABLE IF EXISTS {keyspace}.first;",
)
SECOND = Migration(
    name="0002_second",
    up="CREATE TABLE IF NOT EXISTS {keyspace}.second (id int PRIMARY KEY);",
    down="DROP TABLE IF EXISTS {keyspace}.second;",
)


async def tables(connection: Connection, settings: Settings) -> set[str]:
    rows = await connection.run(
        "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s",
        settings.cassandra_keyspace,
    )
    return {row["table_name"] for row in rows} - {"schema_migrations", "schema_lock"}


class TestMigrations:
    async def test_up_down_up(self, connection: Connection, empty_settings: Settings) -> None:
        steps = {
            "0001_audit": {"audit_by_day", "audit_by_user", "audit_days"},
            "0002_timeline": {"timeline", "timeline_read", "timeline_read_until"},
            "0003_launches": {"launches"},
            "0004_forgotten": {"audit_forgotten"},
        }
        made = set[str]().union(*steps.values())

        assert await migrate_up(connection, empty_settings) == list(steps)
        assert await tables(connection, empty_settings) == made
        assert await migrate_up(connection, empty_settings) == []
        left = made
        for step in reversed(steps):
            assert await migrate_down(connection, empty_settings) == step
            left = left - steps[step]
            assert await tables(connection, empty_settings) == left
        assert await migrate_down(connection, empty_settings) is None
        assert await migrate_up(connection, empty_settings) == list(steps)
        assert await tables(connection, empty_settings) == made

    async def test_only_what_is_missing_runs(
        self, connection: Connection, empty_settings: Settings
    ) -> None:
        await migrate_up(connection, empty_settings, [FIRST])

        assert await migrate_up(connection, empty_settings, [FIRST, SECOND]) == ["0002_second"]
        assert await tables(connection, empty_settings) == {"first", "second"}

    async def test_an_older_version_does_not_change_a_newer_schema(
        self, connection: Connection, empty_settings: Settings
    ) -> None:
        await migrate_up(connection, empty_settings, [FIRST, SECOND])

        assert await migrate_up(connection, empty_settings, [FIRST]) == []
        with pytest.raises(MigrationError, match="does not know 0002_second"):
            await migrate_down(connection, empty_settings, [FIRST])

    async def test_a_migration_that_was_changed_is_refused(
        self, connection: Connection, empty_settings: Settings
    ) -> None:
        await migrate_up(connection, empty_settings, [FIRST])
        changed = Migration(FIRST.name, FIRST.up + "\n", FIRST.down)

        with pytest.raises(MigrationError, match="0001_first was changed"):
            await migrate_up(connection, empty_settings, [changed])

    async def test_two_copies_run_it_once(
        self, connection: Connection, empty_settings: Settings
    ) -> None:
        await Journal(connection, empty_settings).prepare()
        other = await Connection.open(empty_settings)

        ran = await asyncio.gather(
            *(migrate_up(one, empty_settings, [FIRST, SECOND]) for one in (connection, other))
        )

        await other.close()
        assert sorted(ran) == [[], ["0001_first", "0002_second"]]

    async def test_a_copy_that_lost_its_lock_stops(
        self, connection: Connection, empty_settings: Settings
    ) -> None:
        journal = Journal(connection, empty_settings)
        await journal.prepare()

        async with journal.locked() as renew:
            await renew()
            await journal.run(
                "DELETE FROM {keyspace}.schema_lock WHERE name = 'migration' IF EXISTS"
            )
            with pytest.raises(MigrationError, match="Another copy"):
                await renew()

    def test_each_has_a_down_file(self) -> None:
        folder = Path(migrate.__file__).parent / "migrations"

        assert [one.name for one in known()] == sorted(one.name for one in known())
        assert {file.suffix for file in folder.iterdir()} == {".cql"}
        assert len(list(folder.iterdir())) == 2 * len(known())
