-- Take the lease of a show from a holder that is dead.  KEYS: record, lease, fence.
-- Should the holder live nevertheless, the fence keeps it from writing.  Answers {'ok'}.
if redis.call('DEL', KEYS[2]) == 1 then
  redis.call('INCR', KEYS[3])
end
return {'ok'}
