SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

ALTER TABLE credentials DROP COLUMN password_version;
ALTER TABLE users DROP COLUMN session_generation;
