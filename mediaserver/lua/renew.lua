-- Keep the lease of a show.  KEYS: lease, fence.  ARGV: holder, milliseconds, fencing token.
-- A lease that ran out goes on if nobody has taken one since.
-- Answers {'ok'} or {'leased', holder}.
local latest = redis.call('GET', KEYS[2])
if latest and latest ~= ARGV[3] then
  return {'leased', redis.call('GET', KEYS[1]) or ''}
end
redis.call('SET', KEYS[2], ARGV[3])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {'ok'}
