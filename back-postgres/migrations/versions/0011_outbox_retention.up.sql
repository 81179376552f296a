SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

-- Old commands are found by their block: rows are only added, in the order of time. A B-tree would
-- cost each write an insertion.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX commands_created ON commands USING brin (created_at) WITH (pages_per_range = 16);
