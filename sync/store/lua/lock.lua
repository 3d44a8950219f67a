-- Take a lock, or keep one that its owner has, who may not have been told that they had got it.
-- KEYS: the lock.  ARGV: owner, milliseconds.
-- Answers {'ok'} or {'locked'}.
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then
  return {'locked'}
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {'ok'}
