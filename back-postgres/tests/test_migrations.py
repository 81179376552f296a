import asyncio
import subprocess
import sys
from collections.abc import Iterator
from uuid import uuid4

import pytest

import migrate
from database import Database, connect
from migrate import MIGRATIONS, Schema, newest, present
from settings import Settings
from shared.kit.errors import Unavailable
from tests.conftest import administer

VERSIONS = MIGRATIONS / "versions"


@pytest.fixture
def fresh(empty_settings: Settings) -> Iterator[Settings]:
    """An empty database."""
    name = f"test_{uuid4().hex[:12]}"
    asyncio.run(administer(empty_settings, f"CREATE DATABASE {name}"))
    yield empty_settings.model_copy(update={"postgres_database": name})
    asyncio.run(administer(empty_settings, f"DROP DATABASE {name} WITH (FORCE)"))


async def shape(settings: Settings) -> list[tuple[str, ...]]:
    """Every column, index, constraint and trigger of our tables."""
    connection = await connect(settings)
    rows = await connection.fetch(
        """
        SELECT 'column' AS kind, table_name || '.' || column_name AS name,
            data_type || coalesce(column_default, '') || is_nullable AS definition
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL
        SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL
        SELECT 'constraint', conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
        UNION ALL
        SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
        ORDER BY 1, 2, 3
        """
    )
    await connection.close()
    return [tuple(row) for row in rows if "alembic" not in row["name"]]


async def run(settings: Settings, script: str) -> None:
    connection = await connect(settings)
    await connection.execute(script)
    await connection.close()


async def column(settings: Settings, query: str) -> list[str]:
    """The first column of what `query` finds."""
    connection = await connect(settings)
    rows = await connection.fetch(query)
    await connection.close()
    return [row[0] for row in rows]


class TestSteps:
    def test_every_step_goes_back_to_what_was(self, fresh: Settings) -> None:
        shapes = [asyncio.run(shape(fresh))]
        steps = len(list(VERSIONS.glob("*.up.sql")))
        migrate.migrate(fresh, up=True)
        top = asyncio.run(shape(fresh))
        for _ in range(steps):
            migrate.migrate(fresh, up=False)
            shapes.append(asyncio.run(shape(fresh)))

        assert shapes[-1] == shapes[0] == []
        assert len({len(it) for it in [top, *shapes[1:]]}) == steps + 1
        migrate.migrate(fresh, up=True)
        assert asyncio.run(shape(fresh)) == top

    def test_every_step_stands_in_two_files(self) -> None:
        names = {path.name for path in VERSIONS.glob("*.sql")}

        ups = {name.removesuffix(".up.sql") for name in names if name.endswith(".up.sql")}
        downs = {name.removesuffix(".down.sql") for name in names if name.endswith(".down.sql")}
        revisions = {path.stem for path in VERSIONS.glob("0*.py")}
        assert ups == downs == revisions

    def test_users_who_have_not_confirmed_become_registrations_and_users_again(
        self, fresh: Settings
    ) -> None:
        steps = len(list(VERSIONS.glob("*.up.sql")))
        migrate.migrate(fresh, up=True)
        for _ in range(steps - 4):
            migrate.migrate(fresh, up=False)
        asyncio.run(
            run(
                fresh,
                """
                INSERT INTO users (id, email, role, status) VALUES
                    ('a0000000-0000-4000-8000-000000000001', 'a@b.test', 'user', 'active'),
                    ('a0000000-0000-4000-8000-000000000002', 'c@d.test', 'user',
                     'pending_verification');
                INSERT INTO credentials (credential_id, password_hash, user_id)
                SELECT id, 'x', id FROM users;
                INSERT INTO mail_tokens (token_hash, user_id, purpose, expires_at)
                SELECT repeat('a', 64), id, 'verify_email', now() FROM users
                WHERE status = 'pending_verification'
                """,
            )
        )

        migrate.migrate(fresh, up=True)

        assert asyncio.run(column(fresh, "SELECT email FROM users")) == ["a@b.test"]
        waiting = "SELECT email FROM registrations JOIN mail_tokens USING (user_id, email)"
        assert asyncio.run(column(fresh, waiting)) == ["c@d.test"]
        free = "SELECT credential_id::text FROM credentials WHERE user_id IS NULL"
        assert len(asyncio.run(column(fresh, free))) == 1
        for _ in range(steps - 4):
            migrate.migrate(fresh, up=False)
        again = "SELECT status FROM users JOIN credentials ON user_id = id ORDER BY status"
        assert asyncio.run(column(fresh, again)) == ["active", "pending_verification"]

    def test_a_step_that_breaks_leaves_nothing(self, fresh: Settings) -> None:
        asyncio.run(run(fresh, "CREATE TABLE consumer_pauses (name text)"))

        with pytest.raises(Exception, match="consumer_pauses"):
            migrate.migrate(fresh, up=True)

        names = {row[1] for row in asyncio.run(shape(fresh))}
        assert "users.id" in names
        assert "deliveries.state" not in names
        assert asyncio.run(present(fresh)) == "0001"


class TestCommandLine:
    def test_up_down_status(
        self,
        fresh: Settings,
        environment: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        environment.setenv("POSTGRES_DATABASE", fresh.postgres_database)
        for what in ("status", "up", "down"):
            environment.setattr(sys, "argv", ["migrate", what])
            migrate.main()

        before_newest = sorted(path.name[:4] for path in VERSIONS.glob("*.up.sql"))[-2]
        assert capsys.readouterr().out.splitlines() == [
            f"revision none, newest {newest()}",
            f"revision {newest()}, newest {newest()}",
            f"revision {before_newest}, newest {newest()}",
        ]


class TestStart:
    def test_services_that_start_together_migrate_once(
        self, fresh: Settings, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("POSTGRES_DATABASE", fresh.postgres_database)
        started = [
            subprocess.Popen([sys.executable, "-m", "migrate", "up"], stdout=subprocess.PIPE)
            for _ in range(2)
        ]

        said = [process.communicate(timeout=60)[0].decode() for process in started]

        assert said == [f"revision {newest()}, newest {newest()}\n"] * 2

    def test_a_start_brings_the_schema_up(self, fresh: Settings) -> None:
        async def start() -> None:
            async with Database(fresh) as database:
                with pytest.raises(Unavailable):
                    await database.ping()
                await Schema(fresh, database).prepare()
                await database.ping()

        asyncio.run(start())
        assert asyncio.run(present(fresh)) == newest()

    def test_a_newer_schema_is_left_alone(self, fresh: Settings) -> None:
        migrate.migrate(fresh, up=True)

        async def start() -> None:
            connection = await connect(fresh)
            await connection.execute("UPDATE alembic_version SET version_num = '9999'")
            await connection.close()
            async with Database(fresh) as database:
                await Schema(fresh, database).prepare()
                await database.ping()

        asyncio.run(start())
        assert asyncio.run(present(fresh)) == "9999"
