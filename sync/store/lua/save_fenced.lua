-- Write a value and tell of it.
-- KEYS: key, fence.  ARGV: fencing token, value, channel of notices, notice ('': none).
-- Answers {'ok'}, or {'lost'}, and then nothing is written.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return {'lost'}
end
redis.call('SET', KEYS[1], ARGV[2])
if ARGV[4] ~= '' then
  redis.call('PUBLISH', ARGV[3], ARGV[4])
end
return {'ok'}
