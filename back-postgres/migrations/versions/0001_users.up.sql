SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL UNIQUE,
    role text NOT NULL,
    status text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_email_lower_case CHECK (email = lower(email)),
    CONSTRAINT users_email_length CHECK (length(email) BETWEEN 3 AND 254),
    CONSTRAINT users_role_known CHECK (role IN ('user', 'admin')),
    CONSTRAINT users_status_known
        CHECK (status IN ('pending_verification', 'active', 'suspended'))
);

-- A hash is stored before its user exists; the user claims it in the transaction that makes it.
CREATE TABLE credentials (
    credential_id uuid PRIMARY KEY,
    password_hash text NOT NULL,
    user_id uuid UNIQUE REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT credentials_password_hash_length CHECK (length(password_hash) BETWEEN 1 AND 256)
);

CREATE INDEX credentials_unclaimed ON credentials (created_at) WHERE user_id IS NULL;

CREATE TABLE mail_tokens (
    token_hash text PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    purpose text NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT mail_tokens_token_hash_sha256 CHECK (token_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT mail_tokens_purpose_known CHECK (purpose IN ('verify_email'))
);

CREATE INDEX mail_tokens_user_id ON mail_tokens (user_id);

CREATE TABLE profiles (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL UNIQUE REFERENCES users ON DELETE CASCADE,
    first_name text NOT NULL,
    last_name text NOT NULL,
    display_name text,
    company text,
    job_title text,
    language text NOT NULL,
    timezone text NOT NULL,
    completion bigint NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT profiles_names_length
        CHECK (
            length(first_name) BETWEEN 1 AND 100
            AND length(last_name) BETWEEN 1 AND 100
            AND length(display_name) BETWEEN 1 AND 100
            AND length(company) BETWEEN 1 AND 100
            AND length(job_title) BETWEEN 1 AND 100
        ),
    CONSTRAINT profiles_completion_percentage CHECK (completion BETWEEN 0 AND 100)
);
