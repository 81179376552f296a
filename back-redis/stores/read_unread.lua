-- KEYS: unread, state of the user
-- ARGV: time for which a count that was built is current (seconds), most unread ones
-- Answers {unread, known, current}.
local unread = redis.call('ZCARD', KEYS[1])
local built = redis.call('HGET', KEYS[2], 'built')
if not built then
  return {unread, 0, 0}
end
local time = redis.call('TIME')
local current = time[1] - built < tonumber(ARGV[1]) and 1 or 0
-- Some were left out, and may be needed again.
if redis.call('HGET', KEYS[2], 'more') == '1' and unread < tonumber(ARGV[2]) then
  current = 0
end
return {unread, 1, current}
