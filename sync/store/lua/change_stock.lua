-- Change the units on hand of a SKU.
-- KEYS: stock, history, dirty.
-- ARGV: 'set' or 'adjust', units or difference, revision as it was read ('': whatever it is), unix
-- seconds, who, why, channel of notices, name of the adjustment ('': none). One that is the same as
-- among the latest changes was done: only its answer was lost, and it was asked for again at once.
-- Answers {'ok', the stock's fields and values, …}, {'gone'}, {'stale', revision}, or, for fewer units
-- than are committed and set aside, {'short', units there would be, units needed}; it has written with the
-- first only, and only if that changes anything.
local stock, history, dirty = KEYS[1], KEYS[2], KEYS[3]
local how, number, revision, at, by, why, channel, named = unpack(ARGV)
local LATEST, KEPT = 20, 10000 -- changes looked through, and kept at least of those there were
local found = redis.call('HGETALL', stock)
if #found == 0 then
  return {'gone'}
end
local fields, needed = {}, 0
for i = 1, #found, 2 do
  fields[found[i]] = found[i + 1]
  if found[i] == 'committed' or string.sub(found[i], 1, 2) == 'q:' then
    needed = needed + tonumber(found[i + 1])
  end
end
local is_done = false
if named ~= '' then
  for _, change in ipairs(redis.call('XREVRANGE', history, '+', '-', 'COUNT', LATEST)) do
    for i = 1, #change[2], 2 do
      is_done = is_done or (change[2][i] == 'named' and change[2][i + 1] == named)
    end
  end
end
if is_done then
  return {'ok', unpack(found)}
end
if revision ~= '' and revision ~= fields.revision then
  return {'stale', fields.revision}
end
local before = tonumber(fields.on_hand)
local after = tonumber(number)
if how == 'adjust' then
  after = before + after
end
if after < needed then
  return {'short', string.format('%.0f', after), string.format('%.0f', needed)}
end
if after ~= before then
  local units = string.format('%.0f', after)
  redis.call('HSET', stock, 'on_hand', units)
  local next = redis.call('HINCRBY', stock, 'revision', 1)
  redis.call('XADD', history, 'MAXLEN', '~', KEPT, '*', 'at', at, 'by', by, 'reason', why, 'delta',
    string.format('%.0f', after - before), 'on_hand', units, 'revision', next, 'named', named)
  redis.call('HINCRBY', dirty, fields.product, 1)
  redis.call('PUBLISH', channel, '{"kind":"stock","ids":["' .. fields.product .. '"]}')
end
local answer = {'ok'}
for _, part in ipairs(redis.call('HGETALL', stock)) do
  answer[#answer + 1] = part
end
return answer
