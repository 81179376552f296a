from migrations.plain_sql import run

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run("0006_deliveries_in_turn.up.sql")


def downgrade() -> None:
    run("0006_deliveries_in_turn.down.sql")
