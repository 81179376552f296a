from migrations.plain_sql import run

revision = "0001"
down_revision = None


def upgrade() -> None:
    run("0001_users.up.sql")


def downgrade() -> None:
    run("0001_users.down.sql")
