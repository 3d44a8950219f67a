-- Write what is kept of a channel, if nobody has changed it since.
-- KEYS: the channel, then what is to be forgotten with this write.
-- ARGV: JSON, revision it is based on ('0': none yet), revision it has now, channel of notices, notice.
-- Answers {'ok'}, or {'stale', revision} and then nothing is written.
local channel = KEYS[1]
local document, base, revision, notices, notice = unpack(ARGV)
local stored = redis.call('HGET', channel, 'revision') or '0'
if stored ~= base then
  return {'stale', stored}
end
redis.call('HSET', channel, 'document', document, 'revision', revision)
for i = 2, #KEYS do
  redis.call('DEL', KEYS[i])
end
redis.call('PUBLISH', notices, notice)
return {'ok'}
