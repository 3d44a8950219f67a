-- Take the lease of a show.  KEYS: record, lease, fence.  ARGV: holder, milliseconds, unix
-- seconds, which are noted as those when the holder was alive.
-- Answers {'ok', fencing token} or {'leased', holder}.
local lease, fence = KEYS[2], KEYS[3]
local held = redis.call('GET', lease)
if held then
  return {'leased', held}
end
local token = redis.call('INCR', fence)
redis.call('SET', lease, ARGV[1], 'PX', ARGV[2])
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'alive_at', ARGV[3])
end
return {'ok', tostring(token)}
