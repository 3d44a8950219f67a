-- Remove a show that is not on air.  KEYS: record, lease, fence.
-- ARGV: milliseconds for which the fence tells a server that was asleep of the deletion.
-- Answers {'ok'} or {'leased', holder}.
local record, lease, fence = KEYS[1], KEYS[2], KEYS[3]
local holder = redis.call('GET', lease)
if holder then
  return {'leased', holder}
end
redis.call('DEL', record)
redis.call('INCR', fence)
redis.call('PEXPIRE', fence, ARGV[1])
return {'ok'}
