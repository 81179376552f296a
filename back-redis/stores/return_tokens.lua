-- Gives tokens back to buckets. take_tokens.lua caps a bucket at its capacity, and a bucket
-- without a key is full.
-- KEYS: buckets
-- ARGV: the tokens of each bucket; an empty text fills it
for i, key in ipairs(KEYS) do
  if ARGV[i] == '' then
    redis.call('DEL', key)
  elseif redis.call('EXISTS', key) == 1 then
    redis.call('HINCRBYFLOAT', key, 'tokens', ARGV[i])
  end
end
