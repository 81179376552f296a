"""What a claim and a settlement read when many deliveries are open: pages and rows of tables."""

import json
from collections.abc import AsyncIterator
from typing import TypedDict

import pytest

from database import Database
from repositories.delivery_repository import DeliveryRepository
from repositories.delivery_statements import CLAIM, COMPLETE
from shared.models.event import ClaimDeliveries

OPEN = 4_000
PAGES_A_DELIVERY = 60
LIMIT = 50
ROWS_A_DELIVERY = 4

_FILL = """
WITH stored AS (
    INSERT INTO events (event_id, event_type, version, aggregate_id, occurred_at, correlation_id,
        payload)
    SELECT gen_random_uuid(), 'user.registered', 1,
        CASE $2::int
            WHEN 0 THEN gen_random_uuid()
            ELSE ('b0000000-0000-4000-8000-' || lpad((number % $2)::text, 12, '0'))::uuid
        END, now(), 'correlation', '{}'
    FROM generate_series(1, $1) AS number
    RETURNING event_id, aggregate_id, position
), ordered AS (
    SELECT *, row_number() OVER (PARTITION BY aggregate_id ORDER BY position) AS place FROM stored
)
INSERT INTO deliveries (event_id, consumer, aggregate_id, position, state, lease_token, due_at,
    done_at)
SELECT event_id, 'mail', aggregate_id, position,
    CASE place WHEN 1 THEN $3 ELSE 'pending' END, gen_random_uuid(),
    CASE place WHEN 1 THEN now() + make_interval(secs => $4) ELSE 'infinity' END,
    CASE WHEN place = 1 AND $3 = 'done' THEN now() END
FROM ordered
"""

_TABLES = ("deliveries", "events")

_CLEAR_STATISTICS = """
SELECT pg_clear_attribute_stats(current_schema()::text, relname::text, attname::text, false)
FROM pg_attribute
JOIN pg_class ON pg_class.oid = attrelid
WHERE attrelid IN ('deliveries'::regclass, 'events'::regclass)
    AND attnum > 0 AND NOT attisdropped
"""

_ROWS_READ = "SELECT sum(seq_tup_read + idx_tup_fetch)::int FROM pg_stat_xact_user_tables"

HOUR = 3600

SHAPES = {
    "one each": (0, "pending", 0, LIMIT),
    "all of one aggregate": (1, "pending", 0, LIMIT),
    "ten of each aggregate": (OPEN // 10, "pending", 0, LIMIT),
    "all behind a leased one": (1, "sent", HOUR, 0),
    "all behind some in back-off": (OPEN // 10, "pending", HOUR, 0),
    "all leased": (0, "sent", HOUR, 0),
    "all in back-off": (0, "pending", HOUR, 0),
}
"""How many aggregates (0: one each), the state of their earliest deliveries, in how many seconds
these are due, and how many deliveries a claim then gives."""


Plan = TypedDict("Plan", {"Shared Hit Blocks": int, "Shared Read Blocks": int})

STATISTICS = {
    "never analyzed": None,
    "of these": None,
    "of deliveries in back-off": (0, "pending", HOUR),
    "of finished deliveries": (0, "done", 0),
    "of before these were committed": None,
}
"""What PostgreSQL was last told of the table: its own statistics come a minute late."""


async def _fill(
    database: Database, shape: tuple[int, str, float], count: int, *, before_commit: str = ""
) -> None:
    async with database.connection() as connection, connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = 0")
        await connection.execute(_FILL, count, *shape, timeout=60)
        if before_commit:
            await database.row(before_commit)


@pytest.fixture(params=STATISTICS)
def statistics(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=SHAPES)
async def claimed(
    request: pytest.FixtureRequest, statistics: str, database: Database
) -> AsyncIterator[int]:
    """How many deliveries a claim gives; OPEN of them are open."""
    aggregates, state, due, expected = SHAPES[request.param]
    for table in _TABLES:
        await database.row(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
    await database.rows(_CLEAR_STATISTICS)
    if (of := STATISTICS[statistics]) is not None:
        await _fill(database, of, OPEN // 10)
        await database.row("ANALYZE deliveries")
        await database.row("TRUNCATE deliveries, events")
    analyze = f"ANALYZE {', '.join(_TABLES)}"
    before_commit = analyze if statistics == "of before these were committed" else ""
    await _fill(database, (aggregates, state, due), OPEN, before_commit=before_commit)
    if statistics == "of these":
        await database.row(analyze)
    yield expected
    await database.row("TRUNCATE deliveries, events")
    for table in _TABLES:
        await database.row(f"ALTER TABLE {table} RESET (autovacuum_enabled)")


async def plan_of_claim(database: Database, *, generic: bool) -> Plan:
    """How PostgreSQL made a claim of LIMIT, in a transaction that is rolled back."""
    async with database.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        mode = "force_generic_plan" if generic else "force_custom_plan"
        await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        types = "text[], bigint, float8, bigint, bigint, text[]"
        await connection.execute(f"PREPARE claim ({types}) AS {CLAIM}")
        found = await connection.fetchval(
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "
            f"EXECUTE claim('{{mail}}', {LIMIT}, 8, 8, 5, '{{mail}}')"
        )
        await connection.execute("DEALLOCATE claim")
        await transaction.rollback()
    plan: Plan = json.loads(found)[0]["Plan"]
    return plan


async def test_a_claim_reads_what_it_gives_and_no_more(claimed: int, database: Database) -> None:
    for generic in (False, True):
        plan = await plan_of_claim(database, generic=generic)
        pages = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        assert pages <= PAGES_A_DELIVERY * (claimed + 1), plan


@pytest.mark.parametrize("claimed", list(SHAPES)[:3], indirect=True)
@pytest.mark.parametrize("statistics", ["of these", *list(STATISTICS)[-2:]], indirect=True)
async def test_a_settlement_reads_what_it_settles_and_no_more(
    claimed: int, deliveries: DeliveryRepository, database: Database
) -> None:
    asked = ClaimDeliveries(consumers=["mail"], limit=LIMIT, in_batches=["mail"])
    for _ in range(3):
        batch = (await deliveries.claim(asked)).items
        assert len(batch) == claimed
        async with database.connection() as connection:
            transaction = connection.transaction()
            await transaction.start()
            before = await connection.fetchval(_ROWS_READ)
            ids, tokens = [it.delivery_id for it in batch], [it.lease_token for it in batch]
            assert len(await connection.fetch(COMPLETE, ids, tokens)) == claimed
            rows = await connection.fetchval(_ROWS_READ) - before
            await transaction.commit()
        assert rows <= ROWS_A_DELIVERY * (claimed + 1)


async def test_the_commit_of_a_claim_does_not_wait_for_the_disk(database: Database) -> None:
    await _fill(database, (0, "pending", 0), 1)
    assert not await _claim_waits_for_the_disk(database)
    assert await _claim_waits_for_the_disk(database), "it claimed nothing"


async def _claim_waits_for_the_disk(database: Database) -> bool:
    async with database.transaction() as connection:
        await connection.execute("SET LOCAL synchronous_commit = on")  # off in the engine of tests
        await connection.fetch(CLAIM, *_ASKED)
        return bool(await connection.fetchval("SHOW synchronous_commit") == "on")


async def test_claims_and_settlements_are_planned_once(database: Database) -> None:
    await _fill(database, (0, "pending", 0), LIMIT)
    async with database.connection() as connection:
        for _ in range(_PLANNED_AT_FIRST + 1):
            held = await connection.fetch(CLAIM, *_ASKED)
            await connection.fetch(
                COMPLETE, [it["delivery_id"] for it in held], [it["lease_token"] for it in held]
            )
        plans = await connection.fetch(_PLANS, [CLAIM, COMPLETE])
    assert [it["generic_plans"] for it in plans] == [1, 1]


_ASKED = (["mail"], 1, 8.0, 8, 5, ["mail"])
_PLANNED_AT_FIRST = 5  # PostgreSQL compares with these before it keeps a plan
_PLANS = "SELECT generic_plans FROM pg_prepared_statements WHERE statement = ANY($1::text[])"
