SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '60s';

-- user_id of a token that resets a password: the user whose it is.
-- squawk-ignore ban-drop-constraint
ALTER TABLE mail_tokens DROP CONSTRAINT mail_tokens_purpose_known;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE mail_tokens ADD CONSTRAINT mail_tokens_purpose_known
    CHECK (purpose IN ('verify_email', 'reset_password'));

-- subject_id: the user whose data the answer holds, so that it can be removed with the user.
ALTER TABLE commands ADD COLUMN subject_id uuid;

UPDATE commands
SET subject_id = coalesce(answer::jsonb ->> 'user_id', answer::jsonb ->> 'id')::uuid
WHERE operation IN ('create_user', 'confirm_registration', 'create_profile')
    OR operation ^@ 'change_user ' OR operation ^@ 'replace_password '
    OR operation ^@ 'replace_profile ' OR operation ^@ 'replace_preferences ';

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX commands_subject ON commands (subject_id) WHERE subject_id IS NOT NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX events_by_aggregate ON events (aggregate_id);

CREATE TRIGGER users_keep_an_admin_of_all
AFTER DELETE ON users
FOR EACH ROW
WHEN (OLD.role = 'admin' AND OLD.status = 'active')
EXECUTE FUNCTION keep_an_admin();
