SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

DROP TABLE consumer_pauses;
DROP TABLE deliveries;
DROP TABLE events;
DROP TABLE commands;
