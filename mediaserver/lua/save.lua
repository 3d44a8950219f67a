-- Write a show's record, if nobody else may or did.
-- KEYS: record, lease, fence.  ARGV: document, revision, revision it is based on ('0': new),
-- writer, fencing token ('' off air).
-- Answers {'ok'}, {'lost'} (Redis has no record to go on from), {'leased', holder}, {'stale'} or
-- {'gone'}; it has written with the first only.
local record, lease, fence = KEYS[1], KEYS[2], KEYS[3]
local document, revision, base, writer, token = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local stored = redis.call('HMGET', record, 'revision', 'writer')
local holder = redis.call('GET', lease)
if token ~= '' then
  if holder and holder ~= writer then
    return {'leased', holder}
  end
  local latest = redis.call('GET', fence)
  if latest and tonumber(latest) > tonumber(token) then
    return {stored[1] and 'stale' or 'gone'}
  end
  if not stored[1] and base ~= '0' then
    return {'lost'}
  end
else
  if holder then
    return {'leased', holder}
  end
  if not stored[1] and base ~= '0' then
    return {'gone'}
  end
  -- Our own latest write may have been acknowledged to nobody: it is no conflict.
  if stored[1] and stored[1] ~= base and stored[2] ~= writer then
    return {'stale'}
  end
  redis.call('INCR', fence) -- whoever slept through a lease must not write over this
end
redis.call('HSET', record, 'document', document, 'revision', revision, 'writer', writer)
return {'ok'}
