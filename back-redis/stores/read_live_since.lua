-- The events of a user after a given one; all that are kept, and not complete, when it has gone.
-- KEYS: stream of the user, mark of the event
-- Answers {complete, envelopes (JSON)}.
local id = redis.call('GET', KEYS[2])
local known = id and #redis.call('XRANGE', KEYS[1], id, id) == 1
local entries = redis.call('XRANGE', KEYS[1], known and '(' .. id or '-', '+')

local envelopes = {}
for _, entry in ipairs(entries) do
  envelopes[#envelopes + 1] = entry[2][2]
end
return {known and 1 or 0, envelopes}
