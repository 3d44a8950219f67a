-- Write what is kept of a channel, if nobody has changed it since.
-- KEYS: the channel, fence of the sync, lease of the sync, then what was kept of another shop there.
-- ARGV: JSON, revision it is based on ('0': none yet), revision it has now, channel of notices, notice,
-- '1' where the shop is another one than before.
-- Answers {'ok'}, or {'stale', revision} and then nothing is written.
local channel, fence, lease = KEYS[1], KEYS[2], KEYS[3]
local document, base, revision, notices, notice, other_shop = unpack(ARGV)
local stored = redis.call('HGET', channel, 'revision') or '0'
if stored ~= base then
  return {'stale', stored}
end
redis.call('HSET', channel, 'document', document, 'revision', revision)
if other_shop == '1' then
  redis.call('INCR', fence) -- whoever still syncs the shop of before writes nothing any more
  redis.call('DEL', lease)
  for i = 4, #KEYS do
    redis.call('DEL', KEYS[i])
  end
end
redis.call('PUBLISH', notices, notice)
return {'ok'}
