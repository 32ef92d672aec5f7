-- heartbeat: renews the lease of a replica, moves the lease clock, and forgets replicas
-- whose lease ended long ago. It sets a count only where Redis has an older state of the
-- replica: to 0, until the replica has written again what it runs.
--
-- KEYS  1 the model's replicas
-- ARGV  1 nonce, 2 replica, 3 the last of its settlement batches that is known to be
--       applied (0: none is), 4 the enrolment that it was applied in
-- Result { nonce, now, the replica's enrolment }
--
-- A replica is forgotten at once; its records, which are void from then on, are dropped
-- some at a time, by this and the next heartbeats.

-- SOME is about how many fields are looked at in one heartbeat.
local SOME = 500

local m = join(KEYS[1], 'sweep')
local put = {}

-- Where that batch is not applied any more, Redis has lost something. Has it an older state
-- of the replica (a failover, a restart from a snapshot), requests run in it that have
-- ended: the replica is enrolled anew, and writes again what it runs. Has it lost the
-- replica, and a reservation has enrolled it since, all that is there is of now, and good.
local settled = ARGV[3] + 0
if settled > m.batch then
  if enrolment + 0 <= ARGV[4] + 0 then m.running, enrolment = 0, ARGV[1] end
  m.batch = settled
end

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
return { ARGV[1] + 0, now, enrolment + 0 }
