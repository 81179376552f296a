-- Revokes a session and publishes the revocation. That of an unknown session is published too: an
-- access token of it may still be valid after the store has lost the session.
-- KEYS: session, stream of revocations
-- ARGV: sid, retention of revocations (seconds)
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'revoked' then
  return
end
if state then
  redis.call('HSET', KEYS[1], 'state', 'revoked')
end
local oldest = (redis.call('TIME')[1] - ARGV[2]) * 1000
redis.call('XADD', KEYS[2], 'MINID', '~', oldest, '*', 'sid', ARGV[1])
