-- Keep the lease of a show.  KEYS: record, lease, fence.  ARGV: holder, milliseconds, fencing
-- token, unix seconds, which are noted as those when the holder was alive.  A lease that ran out goes on if nobody has taken, changed or deleted the show since.
-- Answers {'ok'}, {'lost'} (leased, but Redis has no record), {'leased', holder}, {'stale'} or
-- {'gone'}.
local record, lease, fence = KEYS[1], KEYS[2], KEYS[3]
local holder, milliseconds, token = ARGV[1], ARGV[2], ARGV[3]
local held = redis.call('GET', lease)
if held and held ~= holder then
  return {'leased', held}
end
local stored = redis.call('EXISTS', record) == 1
local latest = redis.call('GET', fence)
if latest and tonumber(latest) > tonumber(token) then
  return {stored and 'stale' or 'gone'}
end
redis.call('SET', fence, token)
redis.call('SET', lease, holder, 'PX', milliseconds)
if stored then
  redis.call('HSET', record, 'alive_at', ARGV[4])
end
return {stored and 'ok' or 'lost'}
