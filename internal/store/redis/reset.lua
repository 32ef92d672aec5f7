-- reset: sets to zero what counts of a user, in some windows, once.
--
-- KEYS  1 the model's replicas, 2 the model's account, 3 the user's account, 4 the list of
--       the model's users
-- ARGV  1 nonce, 2 replica and what it has seen, 3 id of the reset, 4 letters of the windows
--       5 rings of which is told what they had, two letters each
-- Result { nonce, now, verdict, then per ring that is told of: what counted }
--       verdict: 1 done, 0 it was done before, -1 there is no account
--
-- A ring that is reset counts from the account's time on (s:NAME), as one that is added
-- does: what was charged before is in it no more, and settlements give nothing of it back.
--
-- Invariant: a reset is made whole or not at all, and the last one of an account (z) not
-- twice.

local m = join(KEYS[1])
local user = open(KEYS[3], '', {})
if not user.last then return { ARGV[1] + 0, now, -1 } end
if redis.call('HGET', user.key, 'z') == ARGV[3] then return { ARGV[1] + 0, now, 0 } end

local sums, put = {}, { 'z', ARGV[3] }
for _, r in ipairs(user.rings) do
  if ARGV[4]:find(sub(r.name, 2), 1, true) then
    every(r)
    for i = 0, r.slots - 1 do
      local f = r.name .. i
      if f ~= r.current and user.older[f] ~= 0 then setOlder(user, f, 0) end
    end
    sums[r.name] = r.sum
    r.sum, r.value, r.changed = 0, 0, true
    put[#put + 1], put[#put + 2] = 's:' .. r.name, format('%d', user.at)
  end
end

local result = { ARGV[1] + 0, now, 1 }
for name in ARGV[5]:gmatch('..') do result[#result + 1] = sums[name] or 0 end
save(user)
redis.call('HSET', user.key, unpack(put))
if crossed(user, 60000) then
  expire(user, HELD)
  list(user)
end
return result
