-- The version before can't run beside this one, because users change their meaning: stop back-api,
-- back-auth and back-workers for it. So nothing here has to let their writes pass.
-- squawk-ignore-file ban-drop-constraint, constraint-missing-not-valid
-- squawk-ignore-file adding-not-nullable-field, require-concurrent-index-creation

SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- A user has the terms of the registration that was confirmed; an operator's user has none.
ALTER TABLE users ADD COLUMN terms_version text;
ALTER TABLE users ADD COLUMN terms_accepted_at timestamptz;

-- user_id: the id that the user gets when the registration is confirmed.
CREATE TABLE registrations (
    user_id uuid PRIMARY KEY,
    email text NOT NULL,
    credential_id uuid NOT NULL UNIQUE REFERENCES credentials ON DELETE CASCADE,
    terms_version text NOT NULL,
    terms_accepted_at timestamptz NOT NULL,
    network text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    CONSTRAINT registrations_email_lower_case CHECK (email = lower(email)),
    CONSTRAINT registrations_email_length CHECK (length(email) BETWEEN 3 AND 254),
    CONSTRAINT registrations_terms_version_length CHECK (length(terms_version) <= 20),
    CONSTRAINT registrations_network_length CHECK (length(network) <= 64)
);

CREATE INDEX registrations_email ON registrations (email, created_at);
CREATE INDEX registrations_expires_at ON registrations (expires_at);

-- user_id: the registration that the token was minted for, and the user whom it confirmed.
ALTER TABLE mail_tokens DROP CONSTRAINT mail_tokens_user_id_fkey;
ALTER TABLE mail_tokens ADD COLUMN email text;
ALTER TABLE mail_tokens ADD COLUMN tries bigint NOT NULL DEFAULT 0
    CONSTRAINT mail_tokens_tries_counted CHECK (tries >= 0);
UPDATE mail_tokens SET email = users.email FROM users WHERE users.id = mail_tokens.user_id;
ALTER TABLE mail_tokens ALTER COLUMN email SET NOT NULL;

CREATE INDEX mail_tokens_email ON mail_tokens (email) WHERE used_at IS NULL;
CREATE INDEX mail_tokens_expires_at ON mail_tokens (expires_at);

-- Users who have not confirmed their address become registrations. The terms that they accepted
-- were not recorded.
INSERT INTO registrations (
    user_id, email, credential_id, terms_version, terms_accepted_at, network, created_at, expires_at
)
SELECT id, email, credential_id, 'unknown', users.created_at, 'unknown', users.created_at,
    now() + interval '48 hours'
FROM users
JOIN credentials ON credentials.user_id = users.id
WHERE status = 'pending_verification';

UPDATE credentials SET user_id = NULL
FROM users
WHERE users.id = credentials.user_id AND status = 'pending_verification';

DELETE FROM users WHERE status = 'pending_verification';

ALTER TABLE users DROP CONSTRAINT users_status_known;
ALTER TABLE users ADD CONSTRAINT users_status_known CHECK (status IN ('active', 'suspended'));
