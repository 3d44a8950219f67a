-- Read many stocks with one answer: parsing thousands of parts is slow work for the reader.
-- KEYS: stocks.  Answers {JSON}: a list of each one's fields and values, null where there is none.
local stocks = {}
for i, key in ipairs(KEYS) do
  local found = redis.call('HGETALL', key)
  stocks[i] = #found > 0 and found or cjson.null
end
return {cjson.encode(stocks)}
