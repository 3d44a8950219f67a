-- Begins each script that changes stock: how it is read, changed and written. sync/allocation.py says why.
-- KEYS: what all keys begin with. Which SKUs an order has is known here first, so the names of the other
-- keys are made here; all are in the slot of that one.
local root = KEYS[1]
local HISTORY_KEPT = 10000

local function whole(number)
  return string.format('%.0f', number)
end

-- A table of the stock, nil where there is no such SKU. `before` has what the fields were that change.
local function opened(sku)
  local name = root .. 'stock:' .. sku
  local found = redis.call('HGETALL', name)
  if #found == 0 then
    return nil
  end
  local stock = {sku = sku, name = name, fields = {}, before = {}, set_aside = 0}
  for i = 1, #found, 2 do
    stock.fields[found[i]] = found[i + 1]
    if string.sub(found[i], 1, 2) == 'q:' then
      stock.set_aside = stock.set_aside + tonumber(found[i + 1])
    end
  end
  return stock
end

local function units(stock, field)
  return tonumber(stock.fields[field] or 0)
end

-- nil takes the field away.
local function put(stock, field, value)
  if stock.before[field] == nil then
    stock.before[field] = stock.fields[field] or false
  end
  stock.fields[field] = type(value) == 'number' and whole(value) or value
end

local function free(stock)
  return units(stock, 'on_hand') - units(stock, 'committed') - stock.set_aside
end

local function put_quota(stock, channel, quota)
  stock.set_aside = stock.set_aside + (quota or 0) - units(stock, 'q:' .. channel)
  put(stock, 'q:' .. channel, quota)
end

local function doubt(stock, channel)
  if stock.fields['q:' .. channel] then
    local generation = units(stock, 'g:' .. channel) + 1
    put(stock, 'g:' .. channel, generation)
    put(stock, 'd:' .. channel, generation)
  end
end

local function unbind(stock, channel)
  put_quota(stock, channel, units(stock, 'q:' .. channel))
  put(stock, 'x:' .. channel, 1)
end

-- So many should be free: for a while, for whoever was refused them.
local function want(stock, wanted, at, til)
  local before = 0
  if units(stock, 'wanted_until') > tonumber(at) then
    before = units(stock, 'wanted')
  end
  put(stock, 'wanted', math.max(before, wanted))
  put(stock, 'wanted_until', til)
end

-- So many were had, for which others may have been refused before.
local function satisfy(stock, had)
  local wanted = units(stock, 'wanted')
  if had > 0 and wanted > 0 then
    put(stock, 'wanted', wanted > had and wanted - had or nil)
    if wanted <= had then
      put(stock, 'wanted_until', nil)
    end
  end
end

-- Sets of SKUs: of `channel`, those with a quota, and those in doubt.
local SETS = {['q:'] = 'escrowed:', ['d:'] = 'unsettled:'}

-- Write what has changed, with an entry in the history if units have. Answers the product to be told of,
-- nil where nothing has changed.
local function write(stock, at, by, why, channel, order)
  local function change(field)
    if stock.before[field] == nil then
      return 0
    end
    return units(stock, field) - tonumber(stock.before[field] or 0)
  end
  local on_hand, committed, quota = change('on_hand'), change('committed'), change('q:' .. channel)
  if on_hand ~= 0 or committed ~= 0 or quota ~= 0 then
    put(stock, 'revision', units(stock, 'revision') + 1)
    local entry = {'at', at, 'by', by, 'reason', why, 'delta', whole(on_hand),
      'on_hand', stock.fields.on_hand, 'revision', stock.fields.revision}
    local function add(name, value, none)
      if value ~= none then
        entry[#entry + 1] = name
        entry[#entry + 1] = value
      end
    end
    add('committed_delta', whole(committed), '0')
    add('quota_delta', whole(quota), '0')
    add('channel', channel, '')
    add('order', order, '')
    redis.call('XADD', stock.name .. ':history', 'MAXLEN', '~', HISTORY_KEPT, '*', unpack(entry))
  end
  local written, gone = {}, {}
  for field, before in pairs(stock.before) do
    local now, set = stock.fields[field], SETS[string.sub(field, 1, 2)]
    if now and now ~= before then
      written[#written + 1] = field
      written[#written + 1] = now
      if set and not before then
        redis.call('SADD', root .. set .. string.sub(field, 3), stock.sku)
      end
    elseif before and not now then
      gone[#gone + 1] = field
      if set then
        redis.call('SREM', root .. set .. string.sub(field, 3), stock.sku)
      end
    end
  end
  if #written > 0 then
    redis.call('HSET', stock.name, unpack(written))
  end
  if #gone > 0 then
    redis.call('HDEL', stock.name, unpack(gone))
  end
  if #written + #gone > 0 then
    redis.call('HINCRBY', root .. 'dirty', stock.fields.product, 1)
    return stock.fields.product
  end
end

-- Tell of `kind` with those of `ids` that differ.
local function tell(kind, ids)
  local known, told = {}, {}
  for _, id in ipairs(ids) do
    if not known[id] then
      known[id] = true
      told[#told + 1] = id
    end
  end
  if #told > 0 then
    redis.call('PUBLISH', root .. 'notices', cjson.encode({kind = kind, ids = told}))
  end
end

-- Fields and values, one after the other, as HGETALL would answer them.
local function parts(stock)
  local found = {}
  for field, value in pairs(stock.fields) do
    found[#found + 1] = field
    found[#found + 1] = value
  end
  return found
end

-- Whether another server syncs the shop now than the one with this fencing token.
local function is_fenced_off(fence)
  return redis.call('GET', root .. 'fence:sync') ~= fence
end
