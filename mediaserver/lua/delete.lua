-- Remove a show that is not on air.  KEYS: record, lease, fence.
-- Answers {'ok'} or {'leased', holder}.
local holder = redis.call('GET', KEYS[2])
if holder then
  return {'leased', holder}
end
redis.call('DEL', KEYS[1], KEYS[3])
return {'ok'}
