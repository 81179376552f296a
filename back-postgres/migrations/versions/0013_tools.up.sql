SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

-- A trusted extension: the owner of the database may create it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- access says who may open a tool: all users, all but those listed, or only those listed. The list
-- is roles and the rows of tool_users.
CREATE TABLE tools (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    summary text NOT NULL,
    category text NOT NULL,
    icon text,
    url text NOT NULL,
    access text NOT NULL,
    roles text [] NOT NULL,
    searched text NOT NULL
        GENERATED ALWAYS AS (lower(name || ' ' || summary || ' ' || category)) STORED,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tools_name_length CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT tools_summary_length CHECK (length(summary) BETWEEN 1 AND 300),
    CONSTRAINT tools_category_length CHECK (length(category) BETWEEN 1 AND 50),
    CONSTRAINT tools_url_length CHECK (length(url) <= 2000),
    CONSTRAINT tools_url_https CHECK (starts_with(url, 'https://')),
    CONSTRAINT tools_access_known CHECK (access IN ('all', 'except', 'only'))
);

CREATE UNIQUE INDEX tools_name_key ON tools (lower(name));
CREATE INDEX tools_newest ON tools (created_at, id);
CREATE INDEX tools_category ON tools (category, created_at, id);
-- Tools are searched far more often than written, so no search has to read a pending list.
CREATE INDEX tools_searched ON tools USING gin (searched gin_trgm_ops) WITH (fastupdate = off);

CREATE TABLE tool_users (
    tool_id uuid NOT NULL REFERENCES tools ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (tool_id, user_id)
);

CREATE INDEX tool_users_user_id ON tool_users (user_id);

CREATE TABLE favourites (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    tool_id uuid NOT NULL REFERENCES tools ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, tool_id)
);

CREATE INDEX favourites_tool_id ON favourites (tool_id);

-- How often a tool was launched, by all users. It stands apart from tools, whose version and
-- updated_at tell of changes by admins; the free space lets a count be written in place.
CREATE TABLE tool_launches (
    tool_id uuid PRIMARY KEY REFERENCES tools ON DELETE CASCADE,
    launches bigint NOT NULL,
    CONSTRAINT tool_launches_counted CHECK (launches >= 0)
) WITH (fillfactor = 50);
