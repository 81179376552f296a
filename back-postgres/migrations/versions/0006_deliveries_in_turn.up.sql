SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

-- A delivery behind an unfinished one of its aggregate and consumer is due at infinity, so that a
-- claim, which reads deliveries_due in order, does not meet it. Whoever finishes a delivery makes
-- the next one due, in the same transaction. Whoever stores an event holds the lock of its
-- aggregate until the commit. The trigger takes it before it looks for the next delivery, in a
-- statement of its own, and so sees every one that was stored behind the finished one.
CREATE FUNCTION make_next_deliveries_due() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    freed text[];
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(aggregate_id::text, 0))
    FROM (
        SELECT DISTINCT aggregate_id
        FROM changed
        WHERE state IN ('done', 'dead')
        ORDER BY aggregate_id
    ) AS finished;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    WITH next AS (
        UPDATE deliveries
        SET due_at = created_at
        WHERE due_at = 'infinity' AND delivery_id = ANY(ARRAY(
            SELECT (
                SELECT delivery_id
                FROM deliveries AS earliest
                WHERE earliest.aggregate_id = finished.aggregate_id
                    AND earliest.consumer = finished.consumer
                    AND earliest.state IN ('pending', 'sent', 'leased')
                ORDER BY position
                LIMIT 1
            )
            FROM changed AS finished
            WHERE state IN ('done', 'dead')
        ))
        RETURNING consumer
    )
    SELECT array_agg(DISTINCT consumer) INTO freed FROM next;

    -- Whoever waits for deliveries holds this lock, shared.
    IF freed IS NOT NULL AND NOT pg_try_advisory_xact_lock(hashtextextended('deliveries', 0)) THEN
        PERFORM pg_notify('deliveries', consumer) FROM unnest(freed) AS woken (consumer);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER deliveries_make_next_due
AFTER UPDATE ON deliveries
REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT
WHEN (pg_trigger_depth() = 0)
EXECUTE FUNCTION make_next_deliveries_due();

UPDATE deliveries
SET due_at = 'infinity'
WHERE state = 'pending'
    AND EXISTS (
        SELECT FROM deliveries AS earlier
        WHERE earlier.aggregate_id = deliveries.aggregate_id
            AND earlier.consumer = deliveries.consumer
            AND earlier.position < deliveries.position
            AND earlier.state IN ('pending', 'sent', 'leased')
    );
