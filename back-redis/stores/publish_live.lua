-- Adds an event to the stream of all live events and, under the same id, to that of its user. An
-- event_id that was added before is a duplicate.
-- KEYS: stream id by event_id, stream of all, stream of the user
-- ARGV: event (JSON), envelope (JSON), length of the stream of all, length of the user's,
--       lifetime of the first and the third key (seconds)
-- Answers {stream id, duplicate}.
local before = redis.call('GET', KEYS[1])
if before then
  return {before, 1}
end

local id = redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'event', ARGV[1])
redis.call('XADD', KEYS[3], 'MAXLEN', ARGV[4], id, 'envelope', ARGV[2])
redis.call('EXPIRE', KEYS[3], ARGV[5])
redis.call('SET', KEYS[1], id, 'EX', ARGV[5])
return {id, 0}
