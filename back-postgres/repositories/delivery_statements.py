"""The SQL statements of `delivery_repository`."""

CLAIM = """
WITH probed AS (
    UPDATE consumer_pauses AS pause
    SET paused_until = now() + make_interval(secs => $3)
    WHERE consumer = ANY($1::text[])
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
    SELECT consumer, $2::bigint AS at_most
    FROM unnest($1::text[]) AS asked (consumer)
    WHERE NOT EXISTS (
        SELECT FROM consumer_pauses
        WHERE consumer_pauses.consumer = asked.consumer
            AND (now() < paused_until OR cardinality(failed_events) >= $5)
    )
    UNION ALL
    SELECT consumer, 1
    FROM probed
), due AS (
    SELECT head.delivery_id
    FROM reachable
    CROSS JOIN LATERAL (
        SELECT delivery_id, due_at
        FROM deliveries AS candidate
        WHERE consumer = reachable.consumer
            AND state IN ('pending', 'sent', 'leased')
            AND due_at <= now()
            AND NOT EXISTS (
                SELECT FROM deliveries AS earlier
                WHERE earlier.aggregate_id = candidate.aggregate_id
                    AND earlier.consumer = candidate.consumer
                    AND earlier.position < candidate.position
                    AND earlier.state IN ('pending', 'sent', 'leased')
            )
        ORDER BY due_at
        LIMIT reachable.at_most
        FOR UPDATE SKIP LOCKED
    ) AS head
    ORDER BY head.due_at
    LIMIT $2
), claimed AS (
    UPDATE deliveries
    SET state = CASE WHEN state = 'leased' AND attempts + 1 >= $4 THEN 'dead' ELSE 'sent' END,
        last_error = CASE WHEN state = 'leased' THEN 'the lease ran out' ELSE last_error END,
        attempts = attempts + (state = 'leased')::int,
        lease_token = gen_random_uuid(),
        due_at = now() + make_interval(secs => $3)
    FROM due
    WHERE deliveries.delivery_id = due.delivery_id
    RETURNING deliveries.delivery_id, event_id, consumer, state, attempts, lease_token, due_at,
        postponed_since
)
SELECT delivery_id, consumer, attempts, lease_token, due_at, event_id, event_type, version,
    occurred_at, correlation_id, traceparent, payload,
    extract(epoch FROM now() - coalesce(postponed_since, now()))::float8 AS postponed_seconds
FROM claimed
JOIN events USING (event_id)
WHERE state = 'sent'
ORDER BY position
"""

TAKE = """
UPDATE deliveries
SET state = CASE WHEN state = 'leased' AND attempts + 1 >= $3 THEN 'dead' ELSE 'leased' END,
    last_error = CASE WHEN state = 'leased' THEN 'the lease ran out' ELSE last_error END,
    attempts = attempts + (state = 'leased')::int,
    lease_token = gen_random_uuid(),
    due_at = now() + make_interval(secs => $2)
FROM events
WHERE delivery_id = $1
    AND events.event_id = deliveries.event_id
    AND (state = 'sent' OR (state IN ('pending', 'leased') AND due_at <= now()))
RETURNING delivery_id, consumer, state, attempts, lease_token, due_at, events.event_id,
    event_type, version, occurred_at, correlation_id, traceparent, payload,
    extract(epoch FROM now() - coalesce(postponed_since, now()))::float8 AS postponed_seconds
"""

RENEW = """
UPDATE deliveries
SET due_at = now() + make_interval(secs => $3)
WHERE delivery_id = $1 AND lease_token = $2 AND state IN ('sent', 'leased')
RETURNING delivery_id
"""

COMPLETE = """
WITH done AS (
    UPDATE deliveries
    SET state = 'done', done_at = now()
    WHERE delivery_id = $1 AND lease_token = $2 AND state IN ('sent', 'leased')
    RETURNING consumer, aggregate_id, position
), resumed AS (
    DELETE FROM consumer_pauses
    USING done
    WHERE consumer_pauses.consumer = done.consumer
    RETURNING consumer_pauses.consumer
), woken AS (
    SELECT pg_notify('deliveries', consumer)
    FROM done
    WHERE EXISTS (SELECT FROM resumed)
        OR EXISTS (
            SELECT FROM deliveries AS later
            WHERE later.aggregate_id = done.aggregate_id
                AND later.consumer = done.consumer
                AND later.position > done.position
                AND later.state IN ('pending', 'sent', 'leased')
        )
)
SELECT (SELECT count(*) FROM woken) AS woken
FROM done
"""

FAIL = """
WITH failed AS (
    UPDATE deliveries
    SET state = CASE WHEN $7 OR attempts + 1 >= $4 THEN 'dead' ELSE 'pending' END,
        attempts = attempts + 1,
        last_error = $3,
        postponed_since = NULL,
        due_at = now() + make_interval(
            secs => coalesce(
                $8::float8, least($6, $5 * power(2, least(attempts, 30))) * (0.5 + random() / 2)
            )
        )
    WHERE delivery_id = $1 AND lease_token = $2 AND state IN ('sent', 'leased')
    RETURNING consumer, state, event_id
), counted AS (
    INSERT INTO consumer_pauses AS pause (consumer, paused_until, failures, failed_events)
    SELECT consumer, now(), 1, ARRAY[event_id]
    FROM failed
    WHERE NOT $9
    ON CONFLICT (consumer) DO UPDATE
    SET failed_events = CASE
            WHEN excluded.failed_events <@ pause.failed_events THEN pause.failed_events
            ELSE (excluded.failed_events || pause.failed_events)[:$10 + 20]
        END,
        paused_until = CASE
            WHEN cardinality(pause.failed_events)
                + (NOT excluded.failed_events <@ pause.failed_events)::int < $10
            THEN pause.paused_until
            ELSE greatest(
                pause.paused_until,
                now() + make_interval(
                    secs => least(
                        $12,
                        $11 * power(
                            2,
                            cardinality(pause.failed_events)
                                + (NOT excluded.failed_events <@ pause.failed_events)::int - $10
                        )
                    )
                )
            )
        END
), woken AS (
    SELECT pg_notify('deliveries', consumer)
    FROM failed
    WHERE state = 'dead'
)
SELECT (SELECT count(*) FROM woken) AS woken
FROM failed
"""

POSTPONE = """
WITH postponed AS (
    UPDATE deliveries
    SET state = 'pending', due_at = now(), postponed_since = coalesce(postponed_since, now())
    WHERE delivery_id = $1 AND lease_token = $2 AND state IN ('sent', 'leased')
    RETURNING consumer
)
INSERT INTO consumer_pauses AS pause (consumer, paused_until, failures)
SELECT consumer, now() + make_interval(secs => greatest($3::float8, least($5::float8, $4))), 1
FROM postponed
ON CONFLICT (consumer) DO UPDATE
SET failures = pause.failures + (pause.paused_until <= now())::int,
    paused_until = greatest(
        pause.paused_until,
        now() + make_interval(
            secs => greatest(
                $3,
                least(
                    $5,
                    $4 * power(
                        2, least(pause.failures - 1 + (pause.paused_until <= now())::int, 30)
                    )
                )
            )
        )
    )
RETURNING consumer
"""

STANDS = """
SELECT state, lease_token
FROM deliveries
WHERE delivery_id = $1
"""
