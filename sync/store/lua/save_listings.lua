-- Write listings, and whose TikTok's products and their SKUs are.
-- KEYS: listings, remotes, fence, remote SKUs.
-- ARGV: fencing token, channel of notices, notice ('': none), then for each its product, JSON ('': it is
-- removed) and TikTok's id ('': it has none). A product '' is none of ours.
-- Answers {'ok'}, or {'lost'}, and then nothing is written.
local listings, remotes, fence, remote_skus = unpack(KEYS)
if redis.call('GET', fence) ~= ARGV[1] then
  return {'lost'}
end
for i = 4, #ARGV, 3 do
  local product, document, remote = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if document ~= '' then
    redis.call('HSET', listings, product, document)
    for sku, remote_sku in pairs(cjson.decode(document).remote_skus) do
      redis.call('HSET', remote_skus, remote_sku, product .. ' ' .. sku)
    end
  elseif product ~= '' then
    redis.call('HDEL', listings, product)
    product = '' -- TikTok may go on telling of it
  end
  if remote ~= '' then
    redis.call('HSET', remotes, remote, product)
  end
end
if ARGV[3] ~= '' then
  redis.call('PUBLISH', ARGV[2], ARGV[3])
end
return {'ok'}
