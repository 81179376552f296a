DROP INDEX commands_created;
