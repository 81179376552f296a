SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

-- delivery_id is a UUID of version 7 and sorts by the moment of storing.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX deliveries_by_state ON deliveries (state, delivery_id) WHERE state <> 'done';
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX events_by_type ON events (event_type, event_id);
