from migrations.plain_sql import run

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run("0008_tasks.up.sql")


def downgrade() -> None:
    run("0008_tasks.down.sql")
