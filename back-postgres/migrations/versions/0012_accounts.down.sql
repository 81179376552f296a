SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '30s';

DROP TRIGGER users_keep_an_admin_of_all ON users;
DROP INDEX events_by_aggregate;
DROP INDEX commands_subject;
-- squawk-ignore ban-drop-column
ALTER TABLE commands DROP COLUMN subject_id;
DELETE FROM mail_tokens WHERE purpose = 'reset_password';
-- squawk-ignore ban-drop-constraint
ALTER TABLE mail_tokens DROP CONSTRAINT mail_tokens_purpose_known;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE mail_tokens ADD CONSTRAINT mail_tokens_purpose_known
    CHECK (purpose IN ('verify_email'));
