-- Revokes every session that a user has now, and publishes the revocation.
-- KEYS: cut-off time of the user, stream of revocations
-- ARGV: user_id, longest lifetime of a session (seconds), retention of revocations (seconds)
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
redis.call('SET', KEYS[1], now, 'EX', ARGV[2])
redis.call('XADD', KEYS[2], 'MINID', '~', (time[1] - ARGV[3]) * 1000, '*',
  'user_id', ARGV[1], 'issued_before', now)
