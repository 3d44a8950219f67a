-- Take the lease of a show.  KEYS: record, lease, fence.  ARGV: holder, milliseconds.
-- Answers {'ok', fencing token} or {'leased', holder}.
local lease, fence = KEYS[2], KEYS[3]
local held = redis.call('GET', lease)
if held then
  return {'leased', held}
end
local token = redis.call('INCR', fence)
redis.call('SET', lease, ARGV[1], 'PX', ARGV[2])
return {'ok', tostring(token)}
