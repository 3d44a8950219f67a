-- Take the state of a consent page, which is good once.
-- KEYS: the state.
-- Answers {'good'}, {'used'} or {'unknown'}: never given, or too old.
local found = redis.call('GET', KEYS[1])
if not found then
  return {'unknown'}
end
if found ~= 'given' then
  return {'used'}
end
redis.call('SET', KEYS[1], 'used', 'KEEPTTL')
return {'good'}
