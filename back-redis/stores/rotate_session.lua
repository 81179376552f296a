-- Replaces the current refresh hash by the next one. A spent hash that is presented again means
-- that two parties hold refresh tokens of the session: it is revoked. A hash that was never issued
-- revokes nothing, so that knowing a sid is not enough to log its user out. A rotation that is sent
-- again (its next hash is the current one) gets the same answer, for a caller that lost the first.
-- KEYS: session, spent hashes of the session, stream of revocations
-- ARGV: prefix of the keys of cut-off times, sid, presented hash, next hash,
--       expires_in (seconds), retention of revocations (seconds), spent hashes kept
-- Answers {'rotated', user_id}, {'refresh_reused', ''} or {'session_not_found', ''}.
local prefix, sid, presented, next_hash, expires_in, kept_seconds, spent_max = unpack(ARGV)
local time = redis.call('TIME')
local kept = redis.call('HMGET', KEYS[1], 'user_id', 'refresh_hash', 'state', 'made_at')
local user_id, current, state, made_at = kept[1], kept[2], kept[3], kept[4]

if not user_id then
  return {'session_not_found', ''}
end

local cut_off = redis.call('GET', prefix .. user_id)
local active = state == 'active' and (not cut_off or tonumber(made_at) > tonumber(cut_off))

if redis.call('ZSCORE', KEYS[2], presented) then
  if active and current == next_hash then
    return {'rotated', user_id}
  end
  if state == 'active' then
    redis.call('HSET', KEYS[1], 'state', 'revoked')
    redis.call('XADD', KEYS[3], 'MINID', '~', (time[1] - kept_seconds) * 1000, '*', 'sid', sid)
  end
  return {'refresh_reused', ''}
end

if not active or presented ~= current then
  return {'session_not_found', ''}
end

redis.call('ZADD', KEYS[2], time[1] + time[2] / 1000000, presented)
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - spent_max)
redis.call('EXPIRE', KEYS[2], expires_in)
redis.call('HSET', KEYS[1], 'refresh_hash', next_hash)
redis.call('EXPIRE', KEYS[1], expires_in)
return {'rotated', user_id}
