-- Uses up a token, or answers again to the download that used it up.
-- KEYS: the token, what remembers its use
-- ARGV: the hash that this download continues by ('' for none), seconds in which it can
-- Answers what the token downloads; false when it is unknown, too old, or used by another download.
local kept = redis.call('GETDEL', KEYS[1])
if kept then
  if ARGV[1] ~= '' then
    redis.call('HSET', KEYS[2], 'resume_hash', ARGV[1], 'holder', kept)
    redis.call('EXPIRE', KEYS[2], ARGV[2])
  end
  return kept
end
local used = redis.call('HMGET', KEYS[2], 'resume_hash', 'holder')
if used[1] and used[1] == ARGV[1] then
  return used[2]
end
return false
