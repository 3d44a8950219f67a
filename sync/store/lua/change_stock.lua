-- begins with ledger
-- Change the units on hand of a SKU.
-- ARGV: SKU, 'set' or 'adjust', units or difference, revision as it was read ('': whatever it is), unix
-- seconds, who, why, until when units are wanted that are set aside, name of the adjustment ('': none). One
-- of the same name was done a moment ago: only its answer was lost, and it was asked for again at once.
-- Answers {'ok', the stock's fields and values, …}, {'gone'}, {'stale', revision}, or, for fewer units
-- than are committed and set aside, {'short', units there would be, units needed, units that channels can
-- be asked to give back for it}; it has changed units with the first only, and only if they are others.
local sku, how, number, revision, at, by, why, til, named = unpack(ARGV)
local NAMED_S = 60
local mark = root .. 'adjusted:' .. named
local stock = opened(sku)
if not stock then
  return {'gone'}
end
if named ~= '' and redis.call('EXISTS', mark) == 1 then
  return {'ok', unpack(parts(stock))}
end
if revision ~= '' and revision ~= stock.fields.revision then
  return {'stale', stock.fields.revision}
end
local before, committed = units(stock, 'on_hand'), units(stock, 'committed')
local after = tonumber(number)
if how == 'adjust' then
  after = before + after
end
if after < committed + stock.set_aside then
  local back = 0
  if after >= committed then
    back = committed + stock.set_aside - after
    want(stock, before - after, at, til)
    tell('stock', {write(stock, at, by, why, '', '')})
  end
  return {'short', whole(after), whole(committed + stock.set_aside), whole(back)}
end
if after ~= before then
  put(stock, 'on_hand', after)
  satisfy(stock, before - after)
  tell('stock', {write(stock, at, by, why, '', '')})
  if named ~= '' then
    redis.call('SET', mark, '1', 'EX', NAMED_S)
  end
end
return {'ok', unpack(parts(stock))}
