SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

DROP TRIGGER deliveries_make_next_due ON deliveries;
DROP FUNCTION make_next_deliveries_due();

UPDATE deliveries
SET due_at = created_at
WHERE due_at = 'infinity';
