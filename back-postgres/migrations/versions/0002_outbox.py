from migrations.plain_sql import run

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run("0002_outbox.up.sql")


def downgrade() -> None:
    run("0002_outbox.down.sql")
