SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

ALTER TABLE users DROP CONSTRAINT users_status_known;
ALTER TABLE users ADD CONSTRAINT users_status_known
    CHECK (status IN ('pending_verification', 'active', 'suspended'));

-- An address takes one user: the newest registration of an address that has none.
INSERT INTO users (id, email, role, status, created_at)
SELECT DISTINCT ON (email) user_id, email, 'user', 'pending_verification', created_at
FROM registrations
WHERE NOT EXISTS (SELECT FROM users WHERE users.email = registrations.email)
ORDER BY email, created_at DESC;

UPDATE credentials SET user_id = registrations.user_id
FROM registrations
JOIN users ON users.id = registrations.user_id
WHERE registrations.credential_id = credentials.credential_id;

DROP TABLE registrations;
DELETE FROM mail_tokens WHERE NOT EXISTS (SELECT FROM users WHERE users.id = mail_tokens.user_id);
ALTER TABLE mail_tokens DROP COLUMN email, DROP COLUMN tries;
DROP INDEX mail_tokens_expires_at;
ALTER TABLE mail_tokens ADD CONSTRAINT mail_tokens_user_id_fkey
    FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;

ALTER TABLE users DROP COLUMN terms_accepted_at;
ALTER TABLE users DROP COLUMN terms_version;
