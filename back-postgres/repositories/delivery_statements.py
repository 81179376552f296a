"""The SQL statements of `delivery_repository`.

A delivery is due at `infinity` while an earlier one of its aggregate and consumer is unfinished, so
that a claim does not read it. The trigger of migration 0006 makes it due when that one is finished.

PostgreSQL chooses its plan by statistics that may be minutes old. Where the keys of rows are known,
the statements leave it no choice but the keys, or it might read every open delivery or event:

- No index serves a condition IS TRUE. Conditions of state and due time stand so.
- A LATERAL subquery with a limit is run for each row, by the key of that row, and never joined.
- `= ANY` of the keys stands beside a join with what is given for them.

A list is given as `(SELECT $1)`. Of a parameter itself PostgreSQL sees the length, and plans anew
at each call where the list is short: that took longer than to run the statement.
"""

_WITH_EVENTS = """
SELECT delivery_id, consumer, aggregate_id, state, attempts, lease_token, due_at, event_id,
    event_type, version, occurred_at, correlation_id, traceparent, payload,
    extract(epoch FROM now() - coalesce(postponed_since, now()))::float8 AS postponed_seconds
FROM claimed
CROSS JOIN LATERAL (
    SELECT event_id, aggregate_id, event_type, version, occurred_at, correlation_id, traceparent,
        payload
    FROM events
    WHERE events.position = claimed.position
    LIMIT 1
) AS event
"""
"""What is answered of the deliveries `claimed`. Events that were stored together have positions on
the same pages of the index, and ids on any.
"""

CLAIM = f"""
WITH lease AS MATERIALIZED (
    SELECT gen_random_uuid() AS token, set_config('synchronous_commit', 'off', true)
), probed AS (
    UPDATE consumer_pauses AS pause
    SET paused_until = now() + make_interval(secs => $3)
    WHERE consumer = ANY((SELECT $1::text[])::text[])
        AND cardinality(failed_events) >= $5
        AND paused_until <= now()
        AND EXISTS (
            SELECT FROM deliveries
            WHERE deliveries.consumer = pause.consumer
                AND state IN ('pending', 'sent', 'leased')
                AND due_at <= now()
        )
    RETURNING consumer
), reachable AS (
    SELECT consumer, $2::bigint AS at_most,
        CASE WHEN consumer = ANY((SELECT $6::text[])::text[]) THEN $2::bigint ELSE 1 END
            AS of_aggregate
    FROM unnest((SELECT $1::text[])) AS asked (consumer)
    WHERE NOT EXISTS (
        SELECT FROM consumer_pauses
        WHERE consumer_pauses.consumer = asked.consumer
            AND (now() < paused_until OR cardinality(failed_events) >= $5)
    )
    UNION ALL
    SELECT consumer, 1, 1
    FROM probed
), due AS (
    SELECT batch.delivery_id
    FROM reachable
    CROSS JOIN LATERAL (
        SELECT following.delivery_id
        FROM (
            SELECT aggregate_id, position
            FROM deliveries AS candidate
            WHERE consumer = reachable.consumer
                AND state IN ('pending', 'sent', 'leased')
                AND due_at <= now()
                AND position = (
                    SELECT position
                    FROM deliveries AS earliest
                    WHERE earliest.aggregate_id = candidate.aggregate_id
                        AND earliest.consumer = candidate.consumer
                        AND earliest.state IN ('pending', 'sent', 'leased')
                    ORDER BY position
                    LIMIT 1
                )
            ORDER BY due_at
            LIMIT reachable.at_most
            FOR UPDATE SKIP LOCKED
        ) AS head
        CROSS JOIN LATERAL (
            SELECT delivery_id,
                bool_and(due_at <= now() OR due_at = 'infinity') OVER (ORDER BY position) AS free
            FROM (
                SELECT delivery_id, position, due_at
                FROM deliveries
                WHERE aggregate_id = head.aggregate_id
                    AND consumer = reachable.consumer
                    AND position >= head.position
                    AND state IN ('pending', 'sent', 'leased')
                ORDER BY position
                LIMIT reachable.of_aggregate
            ) AS nearest
        ) AS following
        WHERE following.free
        LIMIT reachable.at_most
    ) AS batch
), claimed AS (
    UPDATE deliveries
    SET state = CASE WHEN state = 'leased' AND attempts + 1 >= $4 THEN 'dead' ELSE 'sent' END,
        last_error = CASE WHEN state = 'leased' THEN 'the lease ran out' ELSE last_error END,
        attempts = attempts + (state = 'leased')::int,
        lease_token = (SELECT token FROM lease),
        due_at = now() + make_interval(secs => $3)
    WHERE delivery_id = ANY(ARRAY(SELECT delivery_id FROM due))
        AND (state IN ('pending', 'sent', 'leased')) IS TRUE
        AND (due_at <= now() OR due_at = 'infinity') IS TRUE
    RETURNING delivery_id, position, consumer, state, attempts, lease_token, due_at,
        postponed_since
)
{_WITH_EVENTS}
WHERE state = 'sent'
ORDER BY position
"""  # noqa: S608 - constants alone
"""One lease for all. Its commit doesn't wait for the disk: the loss of a claim is a claim that was
never made, and what is stored after it is never kept without it.
"""

TAKE = f"""
WITH claimed AS (
    UPDATE deliveries
    SET state = CASE WHEN state = 'leased' AND attempts + 1 >= $3 THEN 'dead' ELSE 'leased' END,
        last_error = CASE WHEN state = 'leased' THEN 'the lease ran out' ELSE last_error END,
        attempts = attempts + (state = 'leased')::int,
        lease_token = gen_random_uuid(),
        due_at = now() + make_interval(secs => $2)
    WHERE delivery_id = $1
        AND (state = 'sent' OR (state IN ('pending', 'leased') AND due_at <= now()))
    RETURNING delivery_id, position, consumer, state, attempts, lease_token, due_at,
        postponed_since
)
{_WITH_EVENTS}
"""  # noqa: S608 - constants alone

RENEW = """
UPDATE deliveries
SET due_at = now() + make_interval(secs => $3)
WHERE delivery_id = $1 AND lease_token = $2 AND state IN ('sent', 'leased')
RETURNING delivery_id
"""

LOCK = """
SELECT pg_advisory_xact_lock(hashtextextended(name, 0))
FROM (
    SELECT name
    FROM deliveries
    CROSS JOIN unnest(ARRAY[aggregate_id::text, consumer]) AS locked (name)
    WHERE delivery_id = ANY($1::uuid[])
    GROUP BY name
    ORDER BY name COLLATE "C"
) AS locks
"""
"""Locks the aggregates and the consumers of deliveries, always in one order."""

COMPLETE = """
WITH completed AS (
    UPDATE deliveries
    SET state = 'done', done_at = now()
    FROM unnest((SELECT $1::uuid[]), (SELECT $2::uuid[])) AS given (delivery_id, lease_token)
    WHERE deliveries.delivery_id = ANY((SELECT $1::uuid[])::uuid[])
        AND deliveries.delivery_id = given.delivery_id
        AND deliveries.lease_token = given.lease_token
        AND (state IN ('sent', 'leased')) IS TRUE
    RETURNING deliveries.delivery_id, consumer
), resumed AS (
    DELETE FROM consumer_pauses
    WHERE consumer IN (SELECT consumer FROM completed)
    RETURNING consumer
), woken AS (
    SELECT pg_notify('deliveries', consumer)
    FROM resumed
    WHERE NOT (SELECT pg_try_advisory_xact_lock(hashtextextended('deliveries', 0)))
)
SELECT delivery_id, consumer, (SELECT count(*) FROM woken) AS woken
FROM completed
"""

FAIL = """
WITH failed AS (
    UPDATE deliveries
    SET state = CASE WHEN final OR attempts + 1 >= $1 THEN 'dead' ELSE 'pending' END,
        attempts = attempts + 1,
        last_error = given.error,
        postponed_since = NULL,
        due_at = now() + make_interval(
            secs => coalesce(
                given.retry_seconds,
                least($3, $2 * power(2, least(attempts, 30))) * (0.5 + random() / 2)
            )
        )
    FROM unnest(
        $7::uuid[], $8::uuid[], $9::text[], $10::boolean[], $11::boolean[], $12::float8[]
    ) AS given (delivery_id, lease_token, error, final, event_at_fault, retry_seconds)
    WHERE deliveries.delivery_id = ANY($7)
        AND deliveries.delivery_id = given.delivery_id
        AND deliveries.lease_token = given.lease_token
        AND (state IN ('sent', 'leased')) IS TRUE
    RETURNING deliveries.delivery_id, consumer, event_id, given.event_at_fault
), counted AS (
    SELECT consumer, array_agg(event_id) AS failed_events
    FROM failed
    WHERE NOT event_at_fault AND consumer <> ALL($13::text[])
    GROUP BY consumer
), in_a_row AS (
    SELECT consumer, counted.failed_events || ARRAY(
        SELECT event_id
        FROM unnest(pause.failed_events) AS before (event_id)
        WHERE event_id <> ALL(counted.failed_events)
    ) AS failed_events
    FROM counted
    LEFT JOIN consumer_pauses AS pause USING (consumer)
), paused AS (
    INSERT INTO consumer_pauses AS pause (consumer, paused_until, failures, failed_events)
    SELECT consumer,
        CASE
            WHEN cardinality(failed_events) < $4 THEN now()
            ELSE now() + make_interval(
                secs => least($6, $5 * power(2, least(cardinality(failed_events) - $4, 30)))
            )
        END,
        1, failed_events[:$4 + 20]
    FROM in_a_row
    ON CONFLICT (consumer) DO UPDATE
    SET failed_events = excluded.failed_events,
        paused_until = greatest(pause.paused_until, excluded.paused_until)
)
SELECT delivery_id
FROM failed
"""

POSTPONE = """
WITH postponed AS (
    UPDATE deliveries
    SET state = 'pending',
        due_at = CASE
            WHEN EXISTS (
                SELECT FROM deliveries AS earlier
                WHERE earlier.aggregate_id = deliveries.aggregate_id
                    AND earlier.consumer = deliveries.consumer
                    AND earlier.position < deliveries.position
                    AND earlier.state IN ('pending', 'sent', 'leased')
            )
            THEN 'infinity'
            ELSE now()
        END,
        postponed_since = CASE
            WHEN given.pause_seconds IS NULL THEN postponed_since
            ELSE coalesce(postponed_since, now())
        END
    FROM unnest($3::uuid[], $4::uuid[], $5::float8[])
        AS given (delivery_id, lease_token, pause_seconds)
    WHERE deliveries.delivery_id = ANY($3)
        AND deliveries.delivery_id = given.delivery_id
        AND deliveries.lease_token = given.lease_token
        AND (state IN ('sent', 'leased')) IS TRUE
    RETURNING deliveries.delivery_id, consumer, given.pause_seconds
), asked AS (
    SELECT consumer, max(pause_seconds) AS seconds
    FROM postponed
    WHERE pause_seconds IS NOT NULL
    GROUP BY consumer
), paused AS (
    INSERT INTO consumer_pauses AS pause (consumer, paused_until, failures)
    SELECT consumer, now() + make_interval(secs => greatest(seconds, least($2::float8, $1))), 1
    FROM asked
    ON CONFLICT (consumer) DO UPDATE
    SET failures = pause.failures + (pause.paused_until <= now())::int,
        paused_until = greatest(
            excluded.paused_until,
            pause.paused_until,
            now() + make_interval(
                secs => least(
                    $2,
                    $1 * power(
                        2, least(pause.failures - 1 + (pause.paused_until <= now())::int, 30)
                    )
                )
            )
        )
)
SELECT delivery_id
FROM postponed
"""
"""Without `pause_seconds` a delivery is released: its consumer does not pause."""

EXISTS = """
SELECT
FROM deliveries
WHERE delivery_id = $1
"""

SETTLED_BEFORE = """
SELECT deliveries.delivery_id
FROM deliveries
JOIN unnest($1::uuid[], $2::uuid[]) AS given (delivery_id, lease_token)
    ON deliveries.delivery_id = given.delivery_id
        AND deliveries.lease_token = given.lease_token
WHERE state = ANY($3::text[])
"""
