-- Removes the responses of a user.
-- KEYS: requests of the user
for _, command_id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  redis.call('DEL', 'idempotency:' .. command_id)
end
redis.call('DEL', KEYS[1])
