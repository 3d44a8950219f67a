-- Orders of an index, the newest first.
-- KEYS: index, index of all orders.  ARGV: order they come after ('': from the newest on), how many.
-- Answers {'ok', order, …}, or {'gone'}: there is no order that they could come after.
local index, all = unpack(KEYS)
local before, size = unpack(ARGV)
local begin = 0
if before ~= '' then
  local created = redis.call('ZSCORE', all, before)
  if not created then
    return {'gone'}
  end
  local has_left = redis.call('ZADD', index, created, before) == 1 -- its status is another one by now
  begin = redis.call('ZREVRANK', index, before) + 1
  if has_left then
    redis.call('ZREM', index, before)
    begin = begin - 1
  end
end
return {'ok', unpack(redis.call('ZREVRANGE', index, begin, begin + size - 1))}
