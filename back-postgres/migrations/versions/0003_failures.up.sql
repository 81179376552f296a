SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- postponed_since: the first postponement since the delivery last failed.
ALTER TABLE deliveries ADD COLUMN postponed_since timestamptz;

-- failed_events: the different events that failed since a delivery was last completed, newest first.
ALTER TABLE consumer_pauses ADD COLUMN failed_events uuid[] NOT NULL DEFAULT '{}';
