-- Ends a session and tells the verifiers. An unknown one is told too: a token of it may live on
-- after the store has lost the session.
-- KEYS: session, stream of revocations
-- ARGV: sid, revocations are kept for (seconds)
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'revoked' then
  return
end
if state then
  redis.call('HSET', KEYS[1], 'state', 'revoked')
end
local oldest = (redis.call('TIME')[1] - ARGV[2]) * 1000
redis.call('XADD', KEYS[2], 'MINID', '~', oldest, '*', 'sid', ARGV[1])
