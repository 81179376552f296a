"""The claim of due deliveries among 300,000 open ones of several shapes."""

import asyncio
import time
from dataclasses import dataclass, field

import asyncpg

from load import VoidRun
from result import Plot, Result, Session, Target
from shared.kit.errors import ServiceError
from shared.kit.http.client import ServiceClient
from shared.models.event import (
    ClaimDeliveries,
    CompletedDelivery,
    Deliveries,
    DeliveriesSettled,
    Delivery,
    SettleDeliveries,
)

DELIVERIES = 300_000
CLAIMS = 300
LIMIT = 50
CONSUMER = "bench"
CONTROL = "bench-none"
EVENT = "bench.claimed"

SHAPES = {
    "one each": "gen_random_uuid()",
    "all of one aggregate": "'00000000-0000-7000-8000-000000000001'::uuid",
    "all blocked": "md5('bench' || number % 1000)::uuid",
}
"""The aggregate of a delivery, by `number`. Where all are blocked, those of each of the 1,000
aggregates wait for a first one that is leased."""

STORE = """
WITH stored AS (
    INSERT INTO events
        (event_id, event_type, version, aggregate_id, occurred_at, correlation_id, payload)
    SELECT gen_random_uuid(), $1, 1, {aggregate}, now(), 'bench-claims', '{{}}'
    FROM generate_series(1, $3::int) AS number
    RETURNING event_id, aggregate_id, position
)
INSERT INTO deliveries (event_id, consumer, aggregate_id, position, due_at)
SELECT event_id, $2, aggregate_id, position,
    CASE
        WHEN row_number() OVER (PARTITION BY aggregate_id ORDER BY position) = 1 THEN now()
        ELSE 'infinity'
    END
FROM stored
"""
"""As back-postgres stores them: those behind the first of their aggregate are due at infinity."""

LEASE_THE_FIRST = """
UPDATE deliveries
SET state = 'sent', lease_token = gen_random_uuid(), due_at = now() + interval '1 hour'
WHERE consumer = $1 AND due_at < 'infinity'
"""

NOTE = (
    "Each claim asks by HTTP for at most 50 deliveries. Those of one aggregate are completed "
    "before the next claim. The control is the same call for a consumer that has no deliveries, "
    "before each claim."
)


def claims(session: Session) -> Result:
    result = Result(notes=[NOTE])
    p99s = []
    for shape, aggregate in SHAPES.items():
        try:
            measured = asyncio.run(_shape(session, shape, aggregate))
        except VoidRun as void:
            result.void = f"{result.void} {shape}: {void}".strip()
            continue
        result.add(f"{shape}: deliveries claimed", "", measured.claimed)
        result.add_percentiles(f"{shape}: control", measured.control_ms)
        p99 = result.add_percentiles(f"{shape}: claim", measured.claim_ms)
        p99s.append(p99.median)
        result.targets.append(Target(p99.name, p99.median, 5, p99.unit))
        session.say(f"{shape}: p99 {p99s[-1]:.1f} ms")
    if not result.void:
        result.plots.append(Plot("p99 of a claim (ms)", "bars", {"p99": p99s}, list(SHAPES)))
    return result


@dataclass
class Claims:
    """How long the calls took, and how many deliveries all of them got."""

    claim_ms: list[float] = field(default_factory=list)
    control_ms: list[float] = field(default_factory=list)
    claimed: int = 0


async def _shape(session: Session, shape: str, aggregate: str) -> Claims:
    count = DELIVERIES // 10 if session.is_quick else DELIVERIES
    connection = await asyncpg.connect(session.stack.database)
    try:
        await connection.execute(STORE.format(aggregate=aggregate), EVENT, CONSUMER, count)
        if shape == "all blocked":
            await connection.execute(LEASE_THE_FIRST, CONSUMER)
        await connection.execute("VACUUM (ANALYZE) deliveries")
        return await _claims(session, completes=shape == "all of one aggregate")
    finally:
        await connection.execute("DELETE FROM deliveries WHERE consumer = $1", CONSUMER)
        await connection.execute("DELETE FROM events WHERE event_type = $1", EVENT)
        await connection.execute("VACUUM (ANALYZE) deliveries")
        await connection.close()


async def _claims(session: Session, *, completes: bool) -> Claims:
    claims = Claims()
    async with session.stack.client("back-workers", "back-postgres") as postgres:
        for _ in range(CLAIMS):
            elapsed, _none = await _claim(postgres, CONTROL)
            claims.control_ms.append(elapsed)
            elapsed, got = await _claim(postgres, CONSUMER)
            claims.claim_ms.append(elapsed)
            claims.claimed += len(got)
            if completes and got:
                await _complete(postgres, got)
    return claims


async def _claim(postgres: ServiceClient, consumer: str) -> tuple[float, list[Delivery]]:
    """The milliseconds of one claim, and what it gave. Raises VoidRun."""
    asked = ClaimDeliveries(
        consumers=[consumer], in_batches=[consumer], limit=LIMIT, lease_seconds=60
    )
    began = time.perf_counter()
    try:
        got = await postgres.post("/deliveries/claim", asked, response_model=Deliveries)
    except ServiceError as error:
        raise VoidRun(f"a claim failed: {error.code}") from error
    return (time.perf_counter() - began) * 1000, got.items


async def _complete(postgres: ServiceClient, claimed: list[Delivery]) -> None:
    done = [
        CompletedDelivery(delivery_id=it.delivery_id, lease_token=it.lease_token) for it in claimed
    ]
    await postgres.post(
        "/deliveries/settle",
        SettleDeliveries(completed=done),
        response_model=DeliveriesSettled,
        idempotent=True,
    )
