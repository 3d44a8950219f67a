-- begins with ledger
-- Give back what is set aside for a channel beyond what it was found to offer.
-- ARGV: fencing token, channel, unix seconds, who, JSON: of each SKU its name, units found, generation, and
-- units taken in before it was read.
-- Answers {'ok', JSON: of each SKU that there is, its name, the stock's fields and values (none where
-- something came between) and units offered beyond all that was set aside}, or {'lost'}, and then nothing is
-- written.
local fence, channel, at, by, found = unpack(ARGV)
if is_fenced_off(fence) then
  return {'lost'}
end
local answer, products = {}, {}
for _, each in ipairs(cjson.decode(found)) do
  local sku, offered, generation, sold = unpack(each)
  local stock = opened(sku)
  local is_escrowed = stock and stock.fields['q:' .. channel]
  if stock and (not is_escrowed or units(stock, 'g:' .. channel) ~= generation) then
    answer[#answer + 1] = {sku, cjson.null, 0}
  elseif stock then
    local quota, drift, why = units(stock, 'q:' .. channel), 0, 'settled'
    local taken = units(stock, 'n:' .. channel) - sold
    local is_bound = not stock.fields['x:' .. channel]
    if offered <= quota or (is_bound and offered <= quota + taken) then
      put_quota(stock, channel, math.min(quota, offered))
      put(stock, 'd:' .. channel, nil)
      put(stock, 'x:' .. channel, nil)
    else
      put_quota(stock, channel, quota + math.min(free(stock), offered - quota))
      unbind(stock, channel)
      if not stock.fields['d:' .. channel] then
        doubt(stock, channel)
      end
      why = 'offered there'
      drift = is_bound and offered - quota - taken or 0
    end
    products[#products + 1] = write(stock, at, by, why, channel, '')
    answer[#answer + 1] = {sku, parts(stock), drift}
  end
end
tell('stock', products)
return {'ok', #answer > 0 and cjson.encode(answer) or '[]'}
