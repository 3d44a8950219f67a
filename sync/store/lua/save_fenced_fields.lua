-- Write fields of a hash and tell of it.
-- KEYS: hash, fence.  ARGV: fencing token, channel of notices, notice ('': none), field, value, ….
-- Answers {'ok'}, or {'lost'}, and then nothing is written.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return {'lost'}
end
for i = 4, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
if ARGV[3] ~= '' then
  redis.call('PUBLISH', ARGV[2], ARGV[3])
end
return {'ok'}
