from migrations.plain_sql import run

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run("0013_tools.up.sql")


def downgrade() -> None:
    run("0013_tools.down.sql")
