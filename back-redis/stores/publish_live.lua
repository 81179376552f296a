-- Adds events, in their order, to the stream of all live events and, under the same ids, to those of
-- their users. An event_id that was added before is a duplicate.
-- KEYS: stream of all; then for each event: stream id by event_id, stream of the user
-- ARGV: length of the stream of all, length of a user's, lifetime of the keys of an event (seconds);
--       then for each event: event (JSON), envelope (JSON)
-- Answers {stream id, duplicate} for each event.
local answers = {}
for n = 2, #KEYS, 2 do
  local before = redis.call('GET', KEYS[n])
  if before then
    answers[#answers + 1] = {before, 1}
  else
    local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'event', ARGV[n + 2])
    redis.call('XADD', KEYS[n + 1], 'MAXLEN', ARGV[2], id, 'envelope', ARGV[n + 3])
    redis.call('EXPIRE', KEYS[n + 1], ARGV[3])
    redis.call('SET', KEYS[n], id, 'EX', ARGV[3])
    answers[#answers + 1] = {id, 0}
  end
end
return answers
