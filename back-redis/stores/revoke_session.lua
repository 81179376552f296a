-- Revokes a session, publishes the revocation and keeps its event, once. That of an unknown session
-- is published too: an access token of it may still be valid after the store has lost the session.
-- KEYS: session, stream of revocations, stream of security events
-- ARGV: sid, retention of revocations (seconds), event (JSON, empty for none), traceparent
local sid, kept_seconds, event, traceparent = unpack(ARGV)
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'revoked' then
  return
end
if state then
  revoke(sid, KEYS[2], kept_seconds)
else
  announce(KEYS[2], kept_seconds, 'sid', sid)
end
record(KEYS[3], event, traceparent)
