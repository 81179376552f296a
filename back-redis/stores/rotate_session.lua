-- Trades the current refresh hash for the next one. A spent hash that comes again means that two
-- parties hold the family: the session ends. A hash that was never issued ends nothing, so that
-- knowing a sid is not enough to log its user out. The same trade told again (its next hash is the
-- current one) is answered again, for a caller that lost the answer.
-- KEYS: session, its spent hashes, stream of revocations
-- ARGV: what the key of a cut-off begins with, sid, presented hash, next hash,
--       expires_in (seconds), revocations are kept for (seconds), spent hashes kept
-- Answers {'rotated', user_id}, {'refresh_reused', ''} or {'session_not_found', ''}.
local prefix, sid, presented, following, expires_in, kept_seconds, spent_max = unpack(ARGV)
local time = redis.call('TIME')
local kept = redis.call('HMGET', KEYS[1], 'user_id', 'refresh_hash', 'state', 'made_at')
local user_id, current, state, made_at = kept[1], kept[2], kept[3], kept[4]

if not user_id then
  return {'session_not_found', ''}
end

local cut_off = redis.call('GET', prefix .. user_id)
local stands = state == 'active' and (not cut_off or tonumber(made_at) > tonumber(cut_off))

if redis.call('ZSCORE', KEYS[2], presented) then
  if stands and current == following then
    return {'rotated', user_id}
  end
  if state == 'active' then
    redis.call('HSET', KEYS[1], 'state', 'revoked')
    redis.call('XADD', KEYS[3], 'MINID', '~', (time[1] - kept_seconds) * 1000, '*', 'sid', sid)
  end
  return {'refresh_reused', ''}
end

if not stands or presented ~= current then
  return {'session_not_found', ''}
end

redis.call('ZADD', KEYS[2], time[1] + time[2] / 1000000, presented)
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - spent_max)
redis.call('EXPIRE', KEYS[2], expires_in)
redis.call('HSET', KEYS[1], 'refresh_hash', following)
redis.call('EXPIRE', KEYS[1], expires_in)
return {'rotated', user_id}
