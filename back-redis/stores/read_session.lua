-- Reads the user of a session and whether it is active: known, not revoked, and made after the
-- cut-off time of its user.
-- KEYS: session
-- ARGV: prefix of the keys of cut-off times
-- Answers {user_id, active} or nothing.
local kept = redis.call('HMGET', KEYS[1], 'user_id', 'state', 'made_at')
if not kept[1] then
  return false
end

local cut_off = redis.call('GET', ARGV[1] .. kept[1])
local active = kept[2] == 'active' and (not cut_off or tonumber(kept[3]) > tonumber(cut_off))
return {kept[1], active and 1 or 0}
