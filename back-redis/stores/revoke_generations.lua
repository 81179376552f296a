-- Revokes the sessions of a user whose generation is smaller than the given one, and publishes it.
-- The kept session gets the generation instead. A generation that is not greater than an earlier
-- one changes nothing.
-- KEYS: smallest generation of the user, sessions of the user, stream of revocations
-- ARGV: user_id, generation, longest session (seconds), retention of revocations (seconds),
--       sid of the kept session (empty for none)
local user_id, generation, seconds_max, kept_seconds, kept_sid = unpack(ARGV)
if tonumber(redis.call('GET', KEYS[1]) or 0) >= tonumber(generation) then
  return
end
redis.call('SET', KEYS[1], generation, 'EX', seconds_max)
for _, sid in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  local key = 'session:' .. sid
  local stored = redis.call('HGET', key, 'generation')
  if stored and tonumber(stored) < tonumber(generation) and sid == kept_sid then
    redis.call('HSET', key, 'generation', generation)
  elseif stored and tonumber(stored) < tonumber(generation) then
    close(key)
    redis.call('ZREM', KEYS[2], sid)
  end
end
announce(KEYS[3], kept_seconds, 'user_id', user_id, 'generation', generation)
