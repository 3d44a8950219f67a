-- Keep a hint, once for each notification, unless it is of another shop than is connected.
-- KEYS: mark of the notification, hints, the channel.
-- ARGV: what the hint is about, seconds that the mark lives ('0': there is none), channel of notices,
-- notice, the shop that it is of ('': the one that is connected).
-- Answers {'new'}, or {'known'} or {'foreign'}, and then nothing is written.
local mark, hints, channel = KEYS[1], KEYS[2], KEYS[3]
local about, lives, notices, notice, shop = unpack(ARGV)
if shop ~= '' then
  local document = redis.call('HGET', channel, 'document')
  local connected = document and cjson.decode(document).shop
  if type(connected) ~= 'table' or connected.id ~= shop then
    return {'foreign'}
  end
end
if lives ~= '0' and not redis.call('SET', mark, '1', 'EX', lives, 'NX') then
  return {'known'}
end
redis.call('HINCRBY', hints, about, 1)
redis.call('PUBLISH', notices, notice)
return {'new'}
