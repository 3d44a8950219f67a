-- Write a show's record, if nobody else may or did.
-- KEYS: record, lease, fence.  ARGV: document, revision, revision it is based on ('0': new),
-- writer, fencing token ('' off air).  Answers {'ok'}, {'leased', holder}, {'stale'} or {'gone'}.
local record, lease, fence = KEYS[1], KEYS[2], KEYS[3]
local document, revision, base, writer, token = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local holder = redis.call('GET', lease)
if token ~= '' then
  local latest = redis.call('GET', fence)
  if latest and latest ~= token then
    return {'leased', holder or ''}
  end
else
  if holder then
    return {'leased', holder}
  end
  local stored = redis.call('HMGET', record, 'revision', 'writer')
  if not stored[1] and base ~= '0' then
    return {'gone'}
  end
  -- Our own latest write may have been acknowledged to nobody: it is no conflict.
  if stored[1] and stored[1] ~= base and stored[2] ~= writer then
    return {'stale'}
  end
end
redis.call('HSET', record, 'document', document, 'revision', revision, 'writer', writer)
return {'ok'}
