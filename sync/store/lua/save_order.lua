-- begins with ledger
-- Write an order and back what it claims of the stock, as sync/allocation.py does.
-- ARGV: order, channel, JSON of the order, JSON of updated_at, digest, status, created_at, unix seconds,
-- until when units are wanted that are set aside, who, whether all or nothing, digest as it was read ('':
-- whatever it is), idempotency key ('': none), digest of the body it came with, and claims (of each the
-- line, SKU ('': none), units ordered, not cancelled, sent and restocked); times are strings. Then what of
-- its buyer is kept ('': nothing) and until when.
-- Answers {'new' or 'changed', JSON of what each line has}, or, where nothing was written, {'same' or 'known',
-- the order as it is stored, what each line has}, {'short', JSON of SKU, units wanted, free and set aside of
-- what there is too little of}, {'moved', the order as it is stored ('': not at all), its digest} where that is
-- not as it was read, or {'reused'}, an idempotency key.
local id, channel, document, request, sealed, sealed_until = unpack(ARGV)
local updated, digest, status, created, at, til, by, is_strict, base, key, body, claims =
  unpack(cjson.decode(request))
local DOCUMENTS, STATES, IDEMPOTENCY = root .. 'orders', root .. 'orders:state', root .. 'order_keys'
local LINE, SKU, HELD, CONSUMED, SHORT, CANCELLED, RESTOCKED = 1, 2, 3, 4, 5, 6, 7

local function encoded(lines)
  return #lines > 0 and cjson.encode(lines) or '[]'
end

local function stored(answer, which, state)
  return {answer, redis.call('HGET', DOCUMENTS, which), encoded(cjson.decode(state)[4])}
end

if key ~= '' then
  local known = redis.call('HGET', IDEMPOTENCY, key)
  if known then
    local of_body, which = string.match(known, '^(%S*) (.*)$')
    if of_body ~= body then
      return {'reused'}
    end
    return stored('known', which, redis.call('HGET', STATES, which))
  end
end

local state = redis.call('HGET', STATES, id)
local was_updated, was_digest, was_status, lines = nil, '', nil, {}
if state then
  was_updated, was_digest, was_status, lines = unpack(cjson.decode(state))
end
if base ~= '' and base ~= was_digest and digest ~= was_digest then -- the latter: it was asked for twice
  return {'moved', state and redis.call('HGET', DOCUMENTS, id) or '', was_digest}
end
if was_updated and tonumber(was_updated) > tonumber(updated) then
  return stored('same', id, state)
end

local by_line, stocks, opened_in, needs = {}, {}, {}, {}
local is_short, has_taken, has_sent, has_restocked, is_held_anew = false, {}, {}, {}, false
for _, line in ipairs(lines) do
  by_line[line[LINE]] = line
end
for _, claim in ipairs(claims) do
  local name, sku, ordered, kept, sent, restocked = unpack(claim)
  local line = by_line[name]
  local is_first = line == nil
  if is_first and sku ~= '' then
    line = {name, sku, 0, 0, 0, 0, 0}
    by_line[name] = line
    lines[#lines + 1] = line
    is_held_anew = true
  end
  if line then
    sku = line[SKU]
    if stocks[sku] == nil then
      local stock = opened(sku)
      stocks[sku] = stock or false
      opened_in[#opened_in + 1] = sku
      needs[sku] = {wanted = 0, short = 0, free = stock and free(stock) or 0, set_aside = stock and stock.set_aside or 0}
    end
    local stock = stocks[sku]
    local quota, there = stock and units(stock, 'q:' .. channel) or 0, stock and free(stock) or 0
    local had = line[HELD] + line[CONSUMED]
    local demand = math.max(kept, line[CONSUMED], sent)
    local new = math.max(0, demand - had - line[SHORT])
    local from_quota = math.min(new, quota)
    local from_free = math.min(math.max(0, demand - had - from_quota), math.max(0, there))
    local given_back = math.max(0, had - demand)
    local has = had + from_quota + from_free - given_back
    local consumed = math.min(math.max(line[CONSUMED], sent), has)
    local after = {name, sku, has - consumed, consumed, demand - has, math.max(line[CANCELLED], ordered - kept),
      math.max(line[RESTOCKED], math.min(restocked, consumed))}
    is_short = is_short or demand > has
    needs[sku].wanted = needs[sku].wanted + math.max(0, demand - had)
    needs[sku].short = needs[sku].short + demand - has
    if stock then
      local left, back = consumed - line[CONSUMED], after[RESTOCKED] - line[RESTOCKED]
      local committed, cancelled = after[HELD] - line[HELD], after[CANCELLED] - line[CANCELLED]
      if left ~= 0 or back ~= 0 then
        put(stock, 'on_hand', units(stock, 'on_hand') - left + back)
      end
      if committed ~= 0 then
        put(stock, 'committed', units(stock, 'committed') + committed)
      end
      if new > 0 then
        put(stock, 'n:' .. channel, units(stock, 'n:' .. channel) + new)
      end
      satisfy(stock, from_free)
      if stock.fields['q:' .. channel] then
        put_quota(stock, channel, quota + given_back - from_quota)
        local is_late = is_first and state
        if new > from_quota or (cancelled > given_back and not is_first) or (is_late and new > 0) then
          unbind(stock, channel)
          doubt(stock, channel)
        elseif cancelled > 0 then
          doubt(stock, channel)
        end
      end
      has_taken[sku] = has_taken[sku] or from_quota + from_free > 0
      has_sent[sku] = has_sent[sku] or left > 0
      has_restocked[sku] = has_restocked[sku] or back > 0
    end
    for i = HELD, RESTOCKED do
      is_held_anew = is_held_anew or line[i] ~= after[i]
      line[i] = after[i]
    end
  end
end

if is_strict and is_short then
  local shortages, can_be_had = {}, true
  for _, sku in ipairs(opened_in) do
    local need = needs[sku]
    if need.wanted > need.free then
      shortages[#shortages + 1] = {sku, need.wanted, need.free, need.set_aside}
      can_be_had = can_be_had and need.wanted <= need.free + need.set_aside
    end
  end
  if can_be_had then
    local products = {}
    for _, shortage in ipairs(shortages) do
      local stock = opened(shortage[1])
      want(stock, shortage[2], at, til)
      products[#products + 1] = write(stock, at, by, 'wanted', '', '')
    end
    tell('stock', products)
  end
  return {'short', cjson.encode(shortages)}
end

local products = {}
for _, sku in ipairs(opened_in) do
  local why = 'cancelled'
  if has_restocked[sku] then
    why = 'restocked'
  elseif has_sent[sku] then
    why = 'sent'
  elseif has_taken[sku] then
    why = 'ordered'
  end
  local stock, short = stocks[sku], needs[sku].short
  if stock then
    if short > 0 and til - units(stock, 'wanted_until') > (til - at) / 2 then
      want(stock, short, at, til)
    end
    products[#products + 1] = write(stock, at, by, why, channel, id)
  end
end
tell('stock', products)

if key ~= '' then
  redis.call('HSET', IDEMPOTENCY, key, body .. ' ' .. id)
end
local buyers = root .. 'buyers:' .. channel
local has_changed = is_held_anew or digest ~= was_digest
if sealed ~= '' and (has_changed or redis.call('HEXISTS', buyers, id) == 0) then
  redis.call('HSET', buyers, id, sealed)
  redis.call('ZADD', buyers .. ':until', sealed_until, id)
end
if not has_changed then
  return stored('same', id, state)
end
local lacks = 'SREM'
for _, line in ipairs(lines) do
  lacks = line[SHORT] > 0 and 'SADD' or lacks
end
redis.call(lacks, root .. 'orders:short', id)
redis.call('HSET', DOCUMENTS, id, document)
redis.call('HSET', STATES, id,
  string.sub(cjson.encode({updated, digest, status}), 1, -2) .. ',' .. encoded(lines) .. ']')
if status ~= was_status then
  local indexes = root .. 'orders:by:'
  for _, prefix in ipairs({indexes, indexes .. channel}) do
    if not state then
      redis.call('ZADD', prefix .. ':', created, id)
    else
      redis.call('ZREM', prefix .. ':' .. was_status, id)
    end
    redis.call('ZADD', prefix .. ':' .. status, created, id)
  end
end
tell('order', {id})
return {state and 'changed' or 'new', encoded(lines)}
