-- Take addresses whose time has come, and leave them for later in case nothing becomes of them.
-- KEYS: waiting.  ARGV: unix seconds, how many, when they may be taken again.  Answers the addresses.
local urls = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, url in ipairs(urls) do
  redis.call('ZADD', KEYS[1], ARGV[3], url)
end
return urls
