from migrations.plain_sql import run

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run("0009_delivery_lists.up.sql")


def downgrade() -> None:
    run("0009_delivery_lists.down.sql")
