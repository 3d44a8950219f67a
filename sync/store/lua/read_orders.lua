-- Read many orders with one answer, the oldest first: parsing many parts is slow work for the reader.
-- KEYS: orders, index of all orders.  ARGV: from which on, to which.  Answers {JSON: a list of orders}.
local ids = redis.call('ZRANGE', KEYS[2], ARGV[1], ARGV[2])
if #ids == 0 then
  return {'[]'}
end
return {'[' .. table.concat(redis.call('HMGET', KEYS[1], unpack(ids)), ',') .. ']'}
