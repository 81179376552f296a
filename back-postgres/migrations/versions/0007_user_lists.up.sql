-- The indexes block writes to users and profiles while they are built, some seconds for a million
-- users: a step is one transaction, which CONCURRENTLY refuses.
-- squawk-ignore-file require-concurrent-index-creation
SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

CREATE INDEX users_newest ON users (created_at, id);
-- text_pattern_ops serves LIKE 'start%' under every collation.
CREATE INDEX users_email_start ON users (email text_pattern_ops);
CREATE INDEX profiles_first_name_start ON profiles (lower(first_name) text_pattern_ops);
CREATE INDEX profiles_last_name_start ON profiles (lower(last_name) text_pattern_ops);
CREATE INDEX profiles_display_name_start ON profiles (lower(display_name) text_pattern_ops);

-- Two admins who demote each other at the same time would leave none. The lock makes the second
-- wait for the commit of the first; its own statement then sees what is left.
CREATE FUNCTION keep_an_admin() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('last admin', 0));
    IF NOT EXISTS (SELECT FROM users WHERE role = 'admin' AND status = 'active') THEN
        RAISE EXCEPTION 'no active admin would be left'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'users_keep_an_admin';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER users_keep_an_admin
AFTER UPDATE OF role, status ON users
FOR EACH ROW
WHEN (
    OLD.role = 'admin' AND OLD.status = 'active'
    AND (NEW.role <> 'admin' OR NEW.status <> 'active')
)
EXECUTE FUNCTION keep_an_admin();
