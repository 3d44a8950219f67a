-- Write what is kept of a channel, if nobody has changed it since.
-- KEYS: the channel, the state of a consent page, fence of the sync, lease of the sync, its buyers in
-- two keys, then what is forgotten with another shop, then in threes what is put aside: where it is,
-- where that of the shop of before goes, and where that of the new one has been put aside.
-- ARGV: JSON, revision it is based on ('0': none yet), revision it has now, channel of notices, notice,
-- '1' where the shop is another one than before, '1' where the state is to be used by this, how many
-- keys are forgotten, '1' where the channel is not connected any more, or to another shop.
-- Answers {'ok'}, {'stale'}, {'used'} or {'unknown'}, a state never given or too old; it has written
-- with the first only.
local channel, state, fence, lease = unpack(KEYS, 1, 4)
local document, base, revision, notices, notice, other_shop, uses_state, forgotten, is_left =
  unpack(ARGV)
if uses_state == '1' then
  local found = redis.call('GET', state)
  if found ~= 'given' then
    return {found or 'unknown'}
  end
end
if (redis.call('HGET', channel, 'revision') or '0') ~= base then
  return {'stale'}
end
if uses_state == '1' then
  redis.call('SET', state, 'used', 'KEEPTTL')
end
redis.call('HSET', channel, 'document', document, 'revision', revision)
if is_left == '1' then
  redis.call('UNLINK', KEYS[5], KEYS[6])
end
if other_shop == '1' then
  redis.call('INCR', fence) -- whoever still syncs the shop of before writes nothing any more
  redis.call('DEL', lease)
  for i = 7, 6 + forgotten do
    redis.call('DEL', KEYS[i])
  end
  for i = 7 + forgotten, #KEYS, 3 do
    local here, before, after = KEYS[i], KEYS[i + 1], KEYS[i + 2]
    if redis.call('EXISTS', here) == 1 then
      redis.call('RENAME', here, before)
    end
    if redis.call('EXISTS', after) == 1 then
      redis.call('RENAME', after, here)
    end
  end
end
redis.call('PUBLISH', notices, notice)
return {'ok'}
