DROP TRIGGER users_keep_an_admin ON users;
DROP FUNCTION keep_an_admin();
DROP INDEX profiles_display_name_start;
DROP INDEX profiles_last_name_start;
DROP INDEX profiles_first_name_start;
DROP INDEX users_email_start;
DROP INDEX users_newest;
