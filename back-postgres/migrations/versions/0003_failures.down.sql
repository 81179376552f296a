SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

ALTER TABLE consumer_pauses DROP COLUMN failed_events;
ALTER TABLE deliveries DROP COLUMN postponed_since;
