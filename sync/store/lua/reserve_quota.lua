-- begins with ledger
-- Set units aside for a channel before it is told to offer them.
-- ARGV: fencing token, channel, unix seconds, who, JSON: SKU → units.
-- Answers {'ok', JSON: of each SKU that there is, its name, the level that may be offered, whether it is
-- exact, generation, units taken in so far}, or {'lost'}, and then nothing is written.
local fence, channel, at, by, wanted = unpack(ARGV)
if is_fenced_off(fence) then
  return {'lost'}
end
local answer, products = {}, {}
for sku, level in pairs(cjson.decode(wanted)) do
  local stock = opened(sku)
  if stock then
    local quota, is_unbound = units(stock, 'q:' .. channel), stock.fields['x:' .. channel] ~= nil
    local exact = quota == 0 and not stock.fields['d:' .. channel] and not is_unbound
    if is_unbound or level > free(stock) then
      level = 0
    end
    put_quota(stock, channel, quota + level)
    doubt(stock, channel)
    products[#products + 1] = write(stock, at, by, 'set aside', channel, '')
    answer[#answer + 1] = {sku, level, exact, units(stock, 'g:' .. channel), units(stock, 'n:' .. channel)}
  end
end
tell('stock', products)
return {'ok', #answer > 0 and cjson.encode(answer) or '[]'}
