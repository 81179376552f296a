SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- A task is run by the worker that holds the delivery of its event task.queued.
CREATE TABLE tasks (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    owner_id uuid REFERENCES users ON DELETE CASCADE,
    status text NOT NULL DEFAULT 'queued',
    progress bigint NOT NULL DEFAULT 0,
    params jsonb NOT NULL,
    checkpoint jsonb,
    result jsonb,
    error text,
    attempts bigint NOT NULL DEFAULT 0,
    cancel_requested_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    CONSTRAINT tasks_kind_length CHECK (length(kind) <= 100),
    CONSTRAINT tasks_status_known
        CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    CONSTRAINT tasks_progress_percentage CHECK (progress BETWEEN 0 AND 100),
    CONSTRAINT tasks_error_length CHECK (length(error) <= 200),
    CONSTRAINT tasks_attempts_counted CHECK (attempts >= 0),
    CONSTRAINT tasks_finished_dated
        CHECK ((finished_at IS NULL) = (status = 'queued' OR status = 'running'))
);

CREATE INDEX tasks_owner ON tasks (owner_id, created_at, id);
CREATE INDEX tasks_created ON tasks (created_at, id);
CREATE INDEX tasks_finished ON tasks (finished_at) WHERE finished_at IS NOT NULL;

-- A named lease: one holder at a time, until it expires.
CREATE TABLE leases (
    name text PRIMARY KEY,
    holder uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT leases_name_length CHECK (length(name) <= 100)
);
