-- Remove a product with its SKUs.
-- KEYS: products, revisions, handles, order, search, dirty, then stock and history of each SKU.
-- ARGV: product, revision as it was read, handle, channel of notices, notice.
-- Answers {'ok'}, {'gone'}, {'stale', revision} or {'committed', index of the SKU that has units in
-- orders}; it has removed with the first only.
local products, revisions, handles, order, search, dirty = unpack(KEYS, 1, 6)
local product, revision, handle, channel, notice = unpack(ARGV)
local stored = redis.call('HGET', revisions, product)
if not stored then
  return {'gone'}
end
if stored ~= revision then
  return {'stale', stored}
end
for i = 7, #KEYS, 2 do
  if tonumber(redis.call('HGET', KEYS[i], 'committed') or 0) > 0 then
    return {'committed', tostring((i - 7) / 2)}
  end
end
redis.call('HDEL', products, product)
redis.call('HDEL', revisions, product)
redis.call('HDEL', handles, handle)
redis.call('ZREM', order, product)
redis.call('HDEL', search, product)
for i = 7, #KEYS do
  redis.call('DEL', KEYS[i])
end
redis.call('HINCRBY', dirty, product, 1)
redis.call('PUBLISH', channel, notice)
return {'ok'}
