-- Reads the events of a user after a given one. When that is no longer kept, reads all that are and
-- answers that they are not complete.
-- KEYS: stream of the user, stream id by event_id
-- Answers {complete, envelopes (JSON)}.
local id = redis.call('GET', KEYS[2])
local known = id and #redis.call('XRANGE', KEYS[1], id, id) == 1
local entries = redis.call('XRANGE', KEYS[1], known and '(' .. id or '-', '+')

local envelopes = {}
for _, entry in ipairs(entries) do
  envelopes[#envelopes + 1] = entry[2][2]
end
return {known and 1 or 0, envelopes}
