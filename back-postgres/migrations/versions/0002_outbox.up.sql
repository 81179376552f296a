SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- status and answer are empty only inside the transaction that runs the command.
-- answer is text, not jsonb: a repeat gets the same bytes.
CREATE TABLE commands (
    command_id uuid PRIMARY KEY,
    operation text NOT NULL,
    digest text NOT NULL,
    status bigint,
    answer text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT commands_answer_json CHECK (answer IS JSON),
    CONSTRAINT commands_answered_whole CHECK ((status IS NULL) = (answer IS NULL))
);

-- position rises in the order of commit within an aggregate: whoever stores an event holds the
-- advisory lock of its aggregate until the commit.
CREATE TABLE events (
    event_id uuid PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    event_type text NOT NULL,
    version bigint NOT NULL,
    aggregate_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    correlation_id text NOT NULL,
    traceparent text,
    payload jsonb NOT NULL,
    CONSTRAINT events_version_positive CHECK (version >= 1),
    CONSTRAINT events_payload_object CHECK (jsonb_typeof(payload) = 'object')
);

-- due_at: from then on the delivery may be claimed. While it is pending that is the end of its
-- back-off, while it is sent or leased the end of the lease.
-- lease_token stays after the lease has ended, so that a repeated answer is recognised.
CREATE TABLE deliveries (
    delivery_id uuid PRIMARY KEY DEFAULT uuidv7(),
    event_id uuid NOT NULL REFERENCES events,
    consumer text NOT NULL,
    aggregate_id uuid NOT NULL,
    position bigint NOT NULL,
    state text NOT NULL DEFAULT 'pending',
    attempts bigint NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(),
    lease_token uuid,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz,
    CONSTRAINT deliveries_once_a_consumer UNIQUE (event_id, consumer),
    CONSTRAINT deliveries_state_known
        CHECK (state IN ('pending', 'sent', 'leased', 'done', 'dead')),
    CONSTRAINT deliveries_attempts_counted CHECK (attempts >= 0),
    CONSTRAINT deliveries_lease_held CHECK (state NOT IN ('sent', 'leased') OR lease_token IS NOT NULL),
    CONSTRAINT deliveries_done_dated CHECK ((state = 'done') = (done_at IS NOT NULL))
);

CREATE INDEX deliveries_due ON deliveries (consumer, due_at)
    WHERE state IN ('pending', 'sent', 'leased');
CREATE INDEX deliveries_order ON deliveries (aggregate_id, consumer, position)
    WHERE state IN ('pending', 'sent', 'leased');
CREATE INDEX deliveries_dead ON deliveries (consumer, created_at)
    WHERE state = 'dead';

CREATE TABLE consumer_pauses (
    consumer text PRIMARY KEY,
    paused_until timestamptz NOT NULL,
    failures bigint NOT NULL,
    CONSTRAINT consumer_pauses_failures_counted CHECK (failures >= 1)
);
