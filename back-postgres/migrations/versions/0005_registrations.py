from migrations.plain_sql import run

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run("0005_registrations.up.sql")


def downgrade() -> None:
    run("0005_registrations.down.sql")
