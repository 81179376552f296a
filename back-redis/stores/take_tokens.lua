-- Takes one token of each bucket, or changes nothing when one of them is empty. The buckets
-- refill continuously; the key of a full bucket expires.
-- KEYS: buckets
-- ARGV: capacity and window (seconds in which an empty bucket fills) of each bucket
-- Answers {allowed, tokens left in the emptiest bucket, seconds until each has a token as text}.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000

local allowed, levels = true, {}
for i, key in ipairs(KEYS) do
  local capacity, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local kept = redis.call('HMGET', key, 'tokens', 'at')
  local tokens = capacity
  if kept[1] then
    local elapsed = now - kept[2]
    if elapsed < 0 then
      -- The clock was put back: without this the bucket would not refill until it is there again.
      elapsed = 0
      redis.call('HSET', key, 'at', string.format('%.6f', now))
    end
    tokens = math.min(capacity, kept[1] + elapsed * capacity / window)
  end
  -- The clock has microseconds: a token that lacks less than its rounding counts as whole.
  allowed = allowed and tokens > 1 - 0.000001
  levels[i] = {tokens = tokens, capacity = capacity, window = window}
end

local least, wait = math.huge, 0
for i, level in ipairs(levels) do
  local tokens = level.tokens
  if allowed then
    tokens = math.max(0, tokens - 1)
    redis.call(
      'HSET', KEYS[i],
      'tokens', string.format('%.9f', tokens), 'at', string.format('%.6f', now)
    )
    local until_full = (level.capacity - tokens) * level.window / level.capacity
    redis.call('PEXPIRE', KEYS[i], math.ceil(until_full * 1000) + 1)
  end
  least = math.min(least, tokens)
  wait = math.max(wait, (1 - tokens) * level.window / level.capacity)
end

return {allowed and 1 or 0, math.floor(least), string.format('%.6f', wait)}
