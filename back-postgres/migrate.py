"""The schema: `python -m migrate up | down | status`."""

import argparse
import asyncio
from pathlib import Path

import asyncpg
import structlog

from database import Database, connect
from settings import Settings

log = structlog.get_logger()

MIGRATIONS = Path(__file__).parent / "migrations"
_RETRY_AFTER = 0.5  # seconds


def newest() -> str:
    """The revision that this version of the service needs."""
    return max(path.name[:4] for path in (MIGRATIONS / "versions").glob("*.up.sql"))


async def present(settings: Settings) -> str | None:
    """The revision of the database, or None where it has none.

    Asked without Alembic, whose import costs more than all the rest of a start.
    """
    connection = await connect(settings)
    try:
        revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    else:
        return revision
    finally:
        await connection.close()


def migrate(settings: Settings, *, up: bool) -> None:
    """Run all pending revisions, or revert the newest one. Not inside an event loop."""
    from alembic import command  # noqa: PLC0415  (see `present`)
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import URL  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = URL.create(
        "postgresql+asyncpg",
        settings.postgres_user,
        settings.secret("postgres.password"),
        settings.postgres_host,
        settings.postgres_port,
        settings.postgres_database,
    )
    if up:
        command.upgrade(config, "head")
    else:
        command.downgrade(config, "-1")


class Schema:
    """Migrates the schema when the service starts, then opens the database for calls."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database

    async def prepare(self) -> None:
        """Retry until PostgreSQL answers. A schema newer than this version is not changed."""
        waiting = False
        while True:
            try:
                if (await present(self._settings) or "") < newest():
                    await asyncio.to_thread(migrate, self._settings, up=True)
                    log.info("schema_migrated", revision=newest())
                break
            except (OSError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
                if not waiting:
                    log.warning("schema_not_migrated", error=f"{type(error).__name__}: {error}")
                waiting = True
                await asyncio.sleep(_RETRY_AFTER)
        self._database.schema_is_ready()


def main() -> None:
    parser = argparse.ArgumentParser(prog="migrate", description=__doc__)
    parser.add_argument("what", choices=["up", "down", "status"])
    what = parser.parse_args().what
    settings = Settings()
    if what != "status":
        migrate(settings, up=what == "up")
    revision = asyncio.run(present(settings))
    print(f"revision {revision or 'none'}, newest {newest()}")  # noqa: T201  (a command line)


if __name__ == "__main__":
    main()
