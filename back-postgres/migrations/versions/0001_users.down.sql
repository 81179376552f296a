SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

DROP TABLE profiles;
DROP TABLE mail_tokens;
DROP TABLE credentials;
DROP TABLE users;
