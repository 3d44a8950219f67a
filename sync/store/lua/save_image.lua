-- Write what became of a picture's address.
-- KEYS: images, waiting, users of the picture, dirty.
-- ARGV: address, record, when to look again ('': never), channel of notices.
-- Answers {'ok'}. Its users are told of as changed when its state or its bytes are others.
local images, waiting, users, dirty = unpack(KEYS)
local url, document, next_at, channel = unpack(ARGV)
local before = redis.call('HGET', images, url)
redis.call('HSET', images, url, document)
if next_at == '' then
  redis.call('ZREM', waiting, url)
else
  redis.call('ZADD', waiting, next_at, url)
end
local was = before and cjson.decode(before) or {}
local is = cjson.decode(document)
if was.state ~= is.state or was.digest ~= is.digest then
  local products = redis.call('SMEMBERS', users)
  for _, product in ipairs(products) do
    redis.call('HINCRBY', dirty, product, 1)
  end
  if #products > 0 then
    redis.call('PUBLISH', channel, cjson.encode({kind = 'image', ids = products}))
  end
end
return {'ok'}
