-- Take the lease of a show.  KEYS: lease, fence.  ARGV: holder, milliseconds.
-- Answers {'ok', fencing token} or {'leased', holder}.
local held = redis.call('GET', KEYS[1])
if held then
  return {'leased', held}
end
local token = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {'ok', tostring(token)}
