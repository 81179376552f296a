SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- session_generation rises when every session of the user has to end.
ALTER TABLE users ADD COLUMN session_generation bigint NOT NULL DEFAULT 1
    CONSTRAINT users_session_generation_positive CHECK (session_generation >= 1);

-- password_version rises with a new password, not with a new hash of the same one.
ALTER TABLE credentials ADD COLUMN password_version bigint NOT NULL DEFAULT 1
    CONSTRAINT credentials_password_version_positive CHECK (password_version >= 1);
