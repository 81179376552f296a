-- Replaces the unread notifications of a user by those of the timeline. What was added of late
-- stays, since the timeline may not have it yet; what was marked as read stays out.
-- KEYS: unread (id by creation), added (id by arrival), read (id by arrival), state of the user
-- ARGV: lifetime of the keys, time for which an addition is kept without the timeline (both seconds),
--       most unread ones, whether the timeline has others; then for each id, moment of creation
-- Answers how many are unread.
local unread, added, read, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local time = redis.call('TIME')
local arrival = time[1] * 1000000 + time[2]
redis.call('ZREMRANGEBYSCORE', added, '-inf', string.format('(%.0f', arrival - ARGV[2] * 1000000))

local kept = {}
for _, id in ipairs(redis.call('ZRANGE', added, 0, -1)) do
  local created = redis.call('ZSCORE', unread, id)
  if created then
    kept[#kept + 1] = {created, id}
  end
end
redis.call('DEL', unread)
for _, it in ipairs(kept) do
  redis.call('ZADD', unread, it[1], it[2])
end
local all_until = tonumber(redis.call('HGET', state, 'until') or '-1')
for n = 5, #ARGV, 2 do
  if tonumber(ARGV[n + 1]) > all_until and not redis.call('ZSCORE', read, ARGV[n]) then
    redis.call('ZADD', unread, ARGV[n + 1], ARGV[n])
  end
end

local more = ARGV[4]
local too_many = redis.call('ZCARD', unread) - tonumber(ARGV[3])
if too_many > 0 then
  redis.call('ZREMRANGEBYRANK', unread, 0, too_many - 1)
  more = '1'
end
redis.call('HSET', state, 'built', time[1], 'more', more)
for _, key in ipairs(KEYS) do
  redis.call('EXPIRE', key, ARGV[1])
end
return redis.call('ZCARD', unread)
