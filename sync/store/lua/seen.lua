-- Strike products off the dirty ones that have not changed since they were read.
-- KEYS: dirty.  ARGV: product, its count as it was read, ….  Answers {'ok'}.
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
return {'ok'}
