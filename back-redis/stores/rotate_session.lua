-- Replaces the current refresh hash by the next one. The hash that was replaced last gets the same
-- answer for some seconds, as long as its successor is unused: for a second tab, and for a caller
-- that lost the first answer. Any other spent hash means that two parties hold refresh tokens of
-- the session: it is revoked, and the event is kept. A hash that was never issued revokes nothing,
-- so that knowing a sid is not enough to log its user out.
-- KEYS: session, spent hashes of the session, stream of revocations, stream of security events
-- ARGV: sid, presented hash, expires_in (seconds), repeated for (seconds), retention of revocations
--       (seconds), spent hashes kept, event (JSON), traceparent, next hash, next hashes of other
--       keys of the server ...
-- Answers as `answer` does, with the word 'rotated', 'refresh_reused' or 'session_not_found'.
local sid, presented, expires_in, repeat_seconds, kept_seconds, spent_max = unpack(ARGV, 1, 6)
local event, traceparent, next_hash = unpack(ARGV, 7, 9)
local kept = redis.call('HMGET', KEYS[1], 'state', 'refresh_hash', 'previous_hash', 'rotated_at')
local state, current, previous, rotated_at = unpack(kept)
local active = is_active(KEYS[1])

if active and presented == current then
  redis.call('ZADD', KEYS[2], whole(now), presented)
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - spent_max)
  redis.call('HSET', KEYS[1], 'refresh_hash', next_hash, 'previous_hash', presented,
    'rotated_at', whole(now), 'last_used_at', whole(now))
  local expires_at = expire(KEYS[1], expires_in)
  redis.call('PEXPIREAT', KEYS[2], whole(math.ceil(expires_at / 1000)))
  return answer('rotated', KEYS[1])
end

-- `abs`: a clock that was put back must not make the seconds an hour.
if active and presented == previous
  and math.abs(now - rotated_at) <= repeat_seconds * 1000000 then
  for index = 9, #ARGV do
    if ARGV[index] == current then
      return answer('rotated', KEYS[1])
    end
  end
end

if redis.call('ZSCORE', KEYS[2], presented) then
  if state == 'active' then
    revoke(sid, KEYS[3], kept_seconds)
    record(KEYS[4], event, traceparent)
  end
  return answer('refresh_reused', KEYS[1])
end

return answer('session_not_found', KEYS[1])
