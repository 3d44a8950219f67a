-- Keep a hint, once for each notification.
-- KEYS: mark of the notification, hints.
-- ARGV: what the hint is about, seconds that the mark lives ('0': there is none), channel of notices,
-- notice.
-- Answers {'new'} or {'known'}, and then nothing is written.
local mark, hints = KEYS[1], KEYS[2]
local about, lives, notices, notice = unpack(ARGV)
if lives ~= '0' and not redis.call('SET', mark, '1', 'EX', lives, 'NX') then
  return {'known'}
end
redis.call('HINCRBY', hints, about, 1)
redis.call('PUBLISH', notices, notice)
return {'new'}
