-- Erase buyers that have been kept for long enough.
-- KEYS: buyers, when each is to be erased.  ARGV: unix seconds, how many at most.
-- Answers {how many}.
local orders = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, order in ipairs(orders) do
  redis.call('HDEL', KEYS[1], order)
  redis.call('ZREM', KEYS[2], order)
end
return {tostring(#orders)}
