-- Forgets a request that is held under a token and has no response.
-- KEYS: request
-- ARGV: token
local stored = redis.call('HMGET', KEYS[1], 'token', 'response')
if stored[1] == ARGV[1] and not stored[2] then
  redis.call('DEL', KEYS[1])
end
