-- heartbeat: renews the lease of a replica, moves the lease clock, and forgets replicas
-- whose lease ended long ago.
--
-- KEYS  1 the model's replicas
-- ARGV  1 nonce, 2 replica and what it has seen, 3 the last of its settlement batches
--       that is known to be applied (0: none is): where Redis has lost that, late copies
--       of older ones are refused as before
-- Result { nonce, now, the replica's enrolment, the highest number of a call }
--
-- A replica is forgotten at once; its records, which are void from then on, are dropped
-- some at a time, by this and the next heartbeats.

-- SOME is about how many fields are looked at in one heartbeat.
local SOME = 500

local m = join(KEYS[1], 'sweep')
local put = {}
m.batch = max(m.batch, ARGV[3] + 0)

-- forget drops the replicas whose lease has ended long ago.
local function forget()
  local gone, rest = {}, {}
  for id in m.list:gmatch('%S+') do
    if id ~= me and ends(m, redis.call('HGET', m.key, 'r:' .. id)) + FORGET < 0 then
      gone[#gone + 1] = 'r:' .. id
    else
      rest[#rest + 1] = id
    end
  end
  if #gone == 0 then return end
  discard(m.key, gone)
  m.list, m.extra = table.concat(rest, ' '), '0'
  put = { 'replicas', m.list }
end

-- sweep drops records of replicas that are not in the list.
local function sweep()
  local found = redis.call('HSCAN', m.key, m.extra, 'MATCH', 'g:*', 'COUNT', SOME)
  local drop, known = {}, ' ' .. m.list .. ' ' .. me .. ' '
  for i = 1, #found[2], 2 do
    local f = found[2][i]
    if not known:find(' ' .. f:match('^g:([^:]+)') .. ' ', 1, true) then drop[#drop + 1] = f end
  end
  discard(m.key, drop)
  if found[1] == '0' then
    redis.call('HDEL', m.key, 'sweep')
  else
    put[#put + 1], put[#put + 2] = 'sweep', found[1]
  end
end

forget()
if m.extra then sweep() end
enrol(m, put, LEASE)
redis.call('PEXPIRE', m.key, ENROLLED)
return { ARGV[1] + 0, now, enrolment + 0, m.last }
