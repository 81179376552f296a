-- Takes one token of a bucket that refills continuously. The key of a full bucket expires.
-- KEYS: bucket
-- ARGV: capacity, window (seconds in which an empty bucket fills)
-- Answers {allowed, tokens left, seconds until the next token as text}.
local capacity, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')

local tokens = capacity
if kept[1] then
  local elapsed = math.max(0, now - kept[2])
  tokens = math.min(capacity, kept[1] + elapsed * capacity / window)
end

-- The clock has microseconds: a token that lacks less than its rounding counts as whole.
local allowed = tokens > 1 - 0.000001
if allowed then
  tokens = math.max(0, tokens - 1)
end

redis.call('HSET', KEYS[1], 'tokens', string.format('%.9f', tokens), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((capacity - tokens) * window / capacity * 1000) + 1)

local wait = math.max(0, 1 - tokens) * window / capacity
return {allowed and 1 or 0, math.floor(tokens), string.format('%.6f', wait)}
