-- Write a product as it is to be.
-- KEYS: products, revisions, handles, order, search, dirty, then stock and history of each new SKU,
-- then stock and history of each removed one.
-- ARGV: product, JSON, revision, revision it is based on ('0': new), handle, handle before ('': none),
-- search entry, unix seconds, who, channel of notices, notice, number of new SKUs, units of each.
-- Answers {'ok'}, {'gone'}, {'stale', revision}, {'handle', whose it is} or {'committed', index of
-- the removed SKU that has units in orders}; it has written with the first only.
local products, revisions, handles, order, search, dirty = unpack(KEYS, 1, 6)
local product, document, revision, base, handle, before = unpack(ARGV, 1, 6)
local entry, at, by, channel, notice, added = unpack(ARGV, 7, 12)
local stored = redis.call('HGET', revisions, product)
if not stored and base ~= '0' then
  return {'gone'}
end
if stored and stored ~= base then
  return {'stale', stored}
end
local owner = redis.call('HGET', handles, handle)
if owner and owner ~= product then
  return {'handle', owner}
end
local removed = 7 + 2 * tonumber(added)
for i = removed, #KEYS, 2 do
  if tonumber(redis.call('HGET', KEYS[i], 'committed') or 0) > 0 then
    return {'committed', tostring((i - removed) / 2)}
  end
end
redis.call('HSET', products, product, document)
redis.call('HSET', revisions, product, revision)
if before ~= '' and before ~= handle then
  redis.call('HDEL', handles, before)
end
redis.call('HSET', handles, handle, product)
redis.call('ZADD', order, 0, product)
redis.call('HSET', search, product, entry)
for i = 1, tonumber(added) do
  local stock, history, units = KEYS[5 + 2 * i], KEYS[6 + 2 * i], ARGV[12 + i]
  redis.call('DEL', history)
  redis.call('HSET', stock, 'product', product, 'on_hand', units, 'committed', '0', 'revision', '1')
  redis.call('XADD', history, '*', 'at', at, 'by', by, 'reason', 'new', 'delta', units,
    'on_hand', units, 'revision', '1')
end
for i = removed, #KEYS do
  redis.call('DEL', KEYS[i])
end
redis.call('HINCRBY', dirty, product, 1)
redis.call('PUBLISH', channel, notice)
return {'ok'}
