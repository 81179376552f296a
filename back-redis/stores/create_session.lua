-- Creates a session, with the event of its login, and revokes the oldest ones that its user has
-- too many of. A repeated request of the same login gets the session in its present state. A
-- session of a generation that was revoked meanwhile is kept, inactive, and its event is not.
-- KEYS: session, sessions of the user, stream of revocations, stream of security events
-- ARGV: sid, user_id, refresh_hash, expires_in (seconds), generation, network, device,
--       sessions of a user at most, longest session (seconds), retention of revocations (seconds),
--       event (JSON), traceparent
-- Answers as `answer` does, with the word 'kept' or 'session_exists'.
local sid, user_id, refresh_hash, expires_in, generation, network, device = unpack(ARGV, 1, 7)
local sessions_max, seconds_max, kept_seconds, event, traceparent = unpack(ARGV, 8)
local kept = redis.call('HMGET', KEYS[1], 'user_id', 'first_hash')

if kept[1] then
  local same = kept[1] == user_id and kept[2] == refresh_hash
  return answer(same and 'kept' or 'session_exists', KEYS[1])
end

redis.call('HSET', KEYS[1], 'user_id', user_id, 'first_hash', refresh_hash,
  'refresh_hash', refresh_hash, 'state', 'active', 'generation', generation,
  'network', network, 'device', device, 'created_at', whole(now), 'last_used_at', whole(now),
  'ends_at', whole(now + seconds_max * 1000000))
expire(KEYS[1], expires_in)
if not is_active(KEYS[1]) then
  close(KEYS[1])
  return answer('kept', KEYS[1])
end

for _, other in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if redis.call('EXISTS', 'session:' .. other) == 0 then
    redis.call('ZREM', KEYS[2], other)
  end
end
local surplus = redis.call('ZCARD', KEYS[2]) + 1 - sessions_max
if surplus > 0 then
  for _, oldest in ipairs(redis.call('ZRANGE', KEYS[2], 0, surplus - 1)) do
    revoke(oldest, KEYS[3], kept_seconds)
  end
end
redis.call('ZADD', KEYS[2], whole(now), sid)
redis.call('EXPIRE', KEYS[2], seconds_max)
record(KEYS[4], event, traceparent)
return answer('kept', KEYS[1])
