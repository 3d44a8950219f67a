-- Give the lease of a show back, if it is still ours.  KEYS: record, lease, fence.
-- ARGV: fencing token.  Answers {'ok'}.
if redis.call('GET', KEYS[3]) == ARGV[1] then
  redis.call('DEL', KEYS[2])
end
return {'ok'}
