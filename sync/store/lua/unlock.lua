-- Give a lock back, if it is still ours.
-- KEYS: the lock.  ARGV: whose it is.
-- Answers {'ok'} or {'lost'}.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return {'lost'}
end
redis.call('DEL', KEYS[1])
return {'ok'}
