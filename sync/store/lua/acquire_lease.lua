-- Take the lease under which one server alone syncs the shop.
-- KEYS: lease, fence.  ARGV: holder, milliseconds.
-- Answers {'ok', fencing token} or {'leased', holder}. One that the holder has had is taken anew:
-- its process has begun again.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return {'leased', holder}
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {'ok', tostring(redis.call('INCR', KEYS[2]))}
