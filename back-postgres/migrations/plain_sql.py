"""Runs the SQL file of a revision."""

from pathlib import Path

from alembic import op

VERSIONS = Path(__file__).parent / "versions"


def run(name: str) -> None:
    """Run every statement of `versions/<name>` inside the migration's transaction."""
    script = (VERSIONS / name).read_text()
    # SQLAlchemy begins the transaction with the first statement that it runs itself. The script
    # goes to the driver directly, as it has many statements, and needs the transaction begun.
    op.execute("SELECT 1")
    driver = op.get_bind().connection.dbapi_connection
    driver.run_async(lambda asyncpg: asyncpg.execute(script))  # type: ignore[union-attr]
