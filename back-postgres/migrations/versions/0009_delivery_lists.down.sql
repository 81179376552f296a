SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

DROP INDEX events_by_type;
DROP INDEX deliveries_by_state;
