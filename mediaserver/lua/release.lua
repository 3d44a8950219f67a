-- Give the lease of a show back, if it is still ours.  KEYS: lease, fence.  ARGV: fencing token.
if redis.call('GET', KEYS[2]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return {'ok'}
