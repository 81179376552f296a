-- Reads the events of a user after a given one, or after a position in the stream of all. Where that
-- is no longer kept, reads all that are and answers that they are not complete.
-- KEYS: stream of the user, stream of all, stream id by event_id
-- ARGV: length of a user's stream, lifetime of an event (seconds), position ('' to use the event_id)
-- Answers {complete, newest id in the stream of all, envelopes (JSON)}.
local oldest = (redis.call('TIME')[1] - ARGV[2]) * 1000
local id, known = ARGV[3], false
if id == '' then
  id = redis.call('GET', KEYS[3])
  known = id and #redis.call('XRANGE', KEYS[1], id, id) == 1
else
  known = tonumber(id:match('^%d+')) >= oldest and #redis.call('XRANGE', KEYS[2], id, id) == 1
end
local from = known and '(' .. id or string.format('%.0f', oldest)
local entries = redis.call('XRANGE', KEYS[1], from, '+')
if ARGV[3] ~= '' and #entries >= tonumber(ARGV[1]) then
  known = false -- earlier ones may have been trimmed
end

local envelopes = {}
for _, entry in ipairs(entries) do
  envelopes[#envelopes + 1] = entry[2][2]
end
local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
return {known and 1 or 0, newest[1] and newest[1][1] or '0-0', envelopes}
