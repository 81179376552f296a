-- Tells whose a session is and whether it stands: known, not revoked, made after the cut-off.
-- KEYS: session
-- ARGV: what the key of a cut-off begins with
-- Answers {user_id, active} or nothing.
local kept = redis.call('HMGET', KEYS[1], 'user_id', 'state', 'made_at')
if not kept[1] then
  return false
end

local cut_off = redis.call('GET', ARGV[1] .. kept[1])
local stands = kept[2] == 'active' and (not cut_off or tonumber(kept[3]) > tonumber(cut_off))
return {kept[1], stands and 1 or 0}
