-- Give the lease back, if it is still ours.  KEYS: lease, fence.  ARGV: fencing token.
-- Answers {'ok'}.
if redis.call('GET', KEYS[2]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return {'ok'}
