from migrations.plain_sql import run

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run("0004_generations.up.sql")


def downgrade() -> None:
    run("0004_generations.down.sql")
