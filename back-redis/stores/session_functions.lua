-- The functions that the scripts of sessions share; the client puts this text before each of them.
-- They make the key of a session and of a user's generation themselves, so they need one Valkey,
-- not a cluster. Times are microseconds of Valkey's clock.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

local function whole(number)
  return string.format('%.0f', number)
end

-- Whether the session at `key` is neither unknown, revoked, nor of a generation that was revoked.
local function is_active(key)
  local kept = redis.call('HMGET', key, 'state', 'user_id', 'generation')
  if kept[1] ~= 'active' then
    return false
  end
  local smallest = redis.call('GET', 'generation:' .. kept[2])
  return not smallest or tonumber(kept[3]) >= tonumber(smallest)
end

-- What the client makes a session of: a word, whether it is active, and its fields.
local function answer(word, key)
  local fields = redis.call('HMGET', key, 'user_id', 'generation', 'network', 'device',
    'created_at', 'last_used_at', 'expires_at', 'refresh_hash', 'rotated_at')
  return {word, is_active(key) and 1 or 0, unpack(fields)}
end

-- Sets when the session ends: after `expires_in` seconds, but not after its last possible moment.
local function expire(key, expires_in)
  local expires_at = math.min(now + expires_in * 1000000,
    tonumber(redis.call('HGET', key, 'ends_at')))
  redis.call('HSET', key, 'expires_at', whole(expires_at))
  redis.call('PEXPIREAT', key, whole(math.ceil(expires_at / 1000)))
  return expires_at
end

-- Adds an entry to the stream of revocations, and drops those that are older than `kept_seconds`.
-- The id counts the age: it is that of the entry before, plus the milliseconds between both by the
-- clock (the field `at`), 60,000 at most. So a clock that jumps makes no entry older by more than a
-- minute; where entries are rarer than that, they are kept longer.
local function announce(stream, kept_seconds, ...)
  local at = clock[1] * 1000 + math.floor(clock[2] / 1000)
  local counted = at
  local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  if newest then
    local before = tonumber(newest[1]:match('^%d+'))
    local added_at = newest[2][1] == 'at' and tonumber(newest[2][2]) or before
    counted = before + math.max(0, math.min(at - added_at, 60000))
  end
  redis.call('XADD', stream, 'MINID', '~', whole(counted - kept_seconds * 1000),
    whole(counted) .. '-*', 'at', whole(at), ...)
end

-- Makes a stored session a revoked one, which keeps nothing of where it was opened.
local function close(key)
  redis.call('HSET', key, 'state', 'revoked')
  redis.call('HDEL', key, 'network', 'device')
end

-- Revokes a session that is stored, takes it from the sessions of its user, and announces it.
local function revoke(sid, stream, kept_seconds)
  local key = 'session:' .. sid
  close(key)
  redis.call('ZREM', 'sessions:' .. redis.call('HGET', key, 'user_id'), sid)
  announce(stream, kept_seconds, 'sid', sid)
end

-- Keeps a security event until it is in the outbox; an empty one is none.
local function record(stream, event, traceparent)
  if event ~= '' then
    redis.call('XADD', stream, '*', 'event', event, 'traceparent', traceparent)
  end
end
