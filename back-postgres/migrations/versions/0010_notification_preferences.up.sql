SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- What a user chose; a user without a row has the defaults of back-api.
-- digest_on is the user's local date of the last digest.
CREATE TABLE notification_preferences (
    user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    kinds jsonb NOT NULL,
    digest text NOT NULL,
    digest_on date,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT notification_preferences_kinds_object CHECK (jsonb_typeof(kinds) = 'object'),
    CONSTRAINT notification_preferences_digest_known CHECK (digest IN ('off', 'daily'))
);

CREATE INDEX notification_preferences_daily ON notification_preferences (user_id)
    WHERE digest = 'daily';
