-- Note that a product has a picture, and have it fetched if nobody had it before.
-- KEYS: images, waiting, users of the picture, dirty.
-- ARGV: address, product, record of one that waits, unix seconds, channel of notices.
-- Answers {'new'}, or {'known'}; a product that is new to a known one is told of as changed.
local images, waiting, users, dirty = unpack(KEYS)
local url, product, record, at, channel = unpack(ARGV)
local is_user = redis.call('SADD', users, product) == 1
if redis.call('HSETNX', images, url, record) == 1 then
  redis.call('ZADD', waiting, at, url)
  return {'new'}
end
if is_user then
  redis.call('HINCRBY', dirty, product, 1)
  redis.call('PUBLISH', channel, cjson.encode({kind = 'image', ids = {product}}))
end
return {'known'}
