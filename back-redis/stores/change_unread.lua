-- Adds and removes unread notifications of a user, idempotently and in any order: a notification
-- that was marked as read before it is added stays out.
-- KEYS: unread (id by creation), added (id by arrival), read (id by arrival), state of the user
-- ARGV: lifetime of the keys, time for which a mark is remembered (both seconds), most unread ones,
--       number of additions; then for each id, moment of creation (microseconds);
--       moment until which all is read, or empty; then the ids that are read
local unread, added, read, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local time = redis.call('TIME')
local arrival = time[1] * 1000000 + time[2]
local additions = tonumber(ARGV[4])
local read_until = ARGV[5 + 2 * additions]

for n = 6 + 2 * additions, #ARGV do
  redis.call('ZREM', unread, ARGV[n])
  redis.call('ZADD', read, arrival, ARGV[n])
end
if read_until ~= '' then
  local before = redis.call('HGET', state, 'until')
  if not before or tonumber(before) < tonumber(read_until) then
    redis.call('HSET', state, 'until', read_until)
  end
  redis.call('ZREMRANGEBYSCORE', unread, '-inf', read_until)
end

local all_until = tonumber(redis.call('HGET', state, 'until') or '-1')
for n = 5, 3 + 2 * additions, 2 do
  local id, created = ARGV[n], tonumber(ARGV[n + 1])
  if created > all_until and not redis.call('ZSCORE', read, id) then
    redis.call('ZADD', unread, ARGV[n + 1], id)
    redis.call('ZADD', added, 'NX', arrival, id)
  end
end

local too_many = redis.call('ZCARD', unread) - tonumber(ARGV[3])
if too_many > 0 then
  redis.call('ZREMRANGEBYRANK', unread, 0, too_many - 1)
  redis.call('HSET', state, 'more', 1)
end
redis.call('ZREMRANGEBYRANK', added, 0, -1 - ARGV[3])
redis.call('ZREMRANGEBYSCORE', read, '-inf', string.format('(%.0f', arrival - ARGV[2] * 1000000))
redis.call('ZREMRANGEBYRANK', read, 0, -1 - 10 * ARGV[3])
for _, key in ipairs(KEYS) do
  redis.call('EXPIRE', key, ARGV[1])
end
