-- Holds a request, or tells what became of it. A hold ends by itself with its lease.
-- KEYS: request
-- ARGV: fingerprint, token, lease (seconds)
-- Answers {begun | running | reused | answered, response (JSON) or an empty text}.
local stored = redis.call('HMGET', KEYS[1], 'fingerprint', 'token', 'response')
if stored[1] and stored[1] ~= ARGV[1] then
  return {'reused', ''}
elseif stored[3] then
  return {'answered', stored[3]}
elseif stored[2] and stored[2] ~= ARGV[2] then
  return {'running', ''}
end
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'token', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return {'begun', ''}
