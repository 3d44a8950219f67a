-- begins with ledger
-- Change what is known of the level at a channel, or let all that is set aside for it be free.
-- ARGV: fencing token ('': whoever asks), channel, unix seconds, who, 'doubt', 'unbound' or 'release', SKU, ….
-- Answers {'ok'}, or {'lost'}, and then nothing is written.
local fence, channel, at, by, how = unpack(ARGV, 1, 5)
if fence ~= '' and is_fenced_off(fence) then
  return {'lost'}
end
local products = {}
for i = 6, #ARGV do
  local stock = opened(ARGV[i])
  if not stock then
    redis.call('SREM', root .. 'escrowed:' .. channel, ARGV[i])
  elseif how == 'release' then
    put_quota(stock, channel, nil)
    put(stock, 'd:' .. channel, nil)
    put(stock, 'x:' .. channel, nil)
  else
    if how == 'unbound' then
      unbind(stock, channel)
    end
    doubt(stock, channel)
  end
  if stock then
    products[#products + 1] = write(stock, at, by, 'released', channel, '')
  end
end
tell('stock', products)
return {'ok'}
