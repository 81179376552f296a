-- Reads the active sessions of a user, oldest first.
-- KEYS: sessions of the user
-- Answers the sid of each and what `answer` says of it.
local found = {}
for _, sid in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local key = 'session:' .. sid
  if is_active(key) then
    found[#found + 1] = {sid, answer('kept', key)}
  end
end
return found
