-- Keeps a security event until it is in the outbox. It is only counted when there is none, when it
-- was recorded before within the given time, or when the stream is full, so that a flood of events
-- takes bounded memory.
-- KEYS: stream of security events, counts, marker of the event
-- ARGV: event (JSON, empty for none), traceparent, entries at most, once for (seconds, 0: no marker)
-- Answers 'stored', 'repeated', 'absent' or 'full'; the latter three are names of counts.
local event, traceparent, entries_max, once_seconds = unpack(ARGV)
local word = 'stored'
if event == '' then
  word = 'absent'
elseif redis.call('XLEN', KEYS[1]) >= tonumber(entries_max) then
  word = 'full'
elseif tonumber(once_seconds) > 0
  and not redis.call('SET', KEYS[3], '', 'NX', 'EX', once_seconds) then
  word = 'repeated'
end
if word == 'stored' then
  redis.call('XADD', KEYS[1], '*', 'event', event, 'traceparent', traceparent)
else
  redis.call('HINCRBY', KEYS[2], word, 1)
end
return word
