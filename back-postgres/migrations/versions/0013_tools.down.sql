SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

DROP TABLE tool_launches;
DROP TABLE favourites;
DROP TABLE tool_users;
DROP TABLE tools;
DROP EXTENSION pg_trgm;
