from migrations.plain_sql import run

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run("0011_outbox_retention.up.sql")


def downgrade() -> None:
    run("0011_outbox_retention.down.sql")
