-- Creates a session. A repeated request of the same login gets the session in its present state.
-- KEYS: session, cut-off time of the user
-- ARGV: user_id, refresh_hash, expires_in (seconds)
-- Answers {'kept', active} or {'session_exists', 0}.
local time = redis.call('TIME')
local kept = redis.call('HMGET', KEYS[1], 'user_id', 'first_hash', 'state', 'made_at')

if not kept[1] then
  redis.call('HSET', KEYS[1], 'user_id', ARGV[1], 'first_hash', ARGV[2], 'refresh_hash', ARGV[2],
    'state', 'active', 'made_at', string.format('%.0f', time[1] * 1000000 + time[2]))
  redis.call('EXPIRE', KEYS[1], ARGV[3])
  return {'kept', 1}
end

if kept[1] ~= ARGV[1] or kept[2] ~= ARGV[2] then
  return {'session_exists', 0}
end

local cut_off = redis.call('GET', KEYS[2])
local active = kept[3] == 'active' and (not cut_off or tonumber(kept[4]) > tonumber(cut_off))
return {'kept', active and 1 or 0}
