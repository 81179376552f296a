-- Stores the response of a request that is held, and forgets the oldest of its user beyond a number.
-- KEYS: request, requests of the user (by the time of their response)
-- ARGV: token, response (JSON), lifetime (seconds), responses a user, command_id
-- Answers 1, or 0 where the request is not held under this token.
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return 0
end
redis.call('HSETNX', KEYS[1], 'response', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])

local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[2], now, ARGV[5])
redis.call('EXPIRE', KEYS[2], ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[3])
local surplus = redis.call('ZCARD', KEYS[2]) - ARGV[4]
if surplus > 0 then
  local oldest = redis.call('ZPOPMIN', KEYS[2], surplus)
  for n = 1, #oldest, 2 do
    redis.call('DEL', 'idempotency:' .. oldest[n])
  end
end
return 1
