-- Keep the lease, also one that ran out if nobody has taken it since.
-- KEYS: lease, fence.  ARGV: holder, milliseconds, fencing token.  Answers {'ok'} or {'lost'}.
if redis.call('GET', KEYS[2]) ~= ARGV[3] then
  return {'lost'}
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {'ok'}
