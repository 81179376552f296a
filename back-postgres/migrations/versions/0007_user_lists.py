from migrations.plain_sql import run

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run("0007_user_lists.up.sql")


def downgrade() -> None:
    run("0007_user_lists.down.sql")
