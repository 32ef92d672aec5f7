-- heartbeat: renews the lease of a replica, moves the lease clock, and forgets replicas
-- whose lease ended long ago.
--
-- KEYS  1 the model's replicas, 2 the list of the model's users
-- ARGV  1 nonce, 2 replica and what it has seen, 3 the last of its settlement batches
--       that is known to be applied (0: none is): where Redis has lost that, late copies
--       of older ones are refused as before
-- Result { nonce, now, the replica's enrolment, the highest number of a call }
--
-- A replica is forgotten at once; its records, which are void from then on, are dropped
-- some at a time, by this and the next heartbeats. So are those of an older state, and
-- once in a while the users of whom nothing counts any more.

-- SOME is about how many fields are looked at in one heartbeat.
local SOME = 500

-- ROUNDS is how often users are looked at in one heartbeat, where there is much to drop.
local ROUNDS = 10

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

-- enrolments returns those of all replicas in the list, by id; ANY of one of the release
-- before, which has none.
local ANY = ''
local function enrolments()
  local ids, fields, known = {}, {}, {}
  for id in m.list:gmatch('%S+') do ids[#ids + 1], fields[#fields + 1] = id, 'r:' .. id end
  local states = fetch(m.key, fields)
  for i, id in ipairs(ids) do
    local _, _, stamp = ends(m, states[i])
    known[id] = stamp or ANY
  end
  known[me] = enrolment
  return known
end

-- sweep drops void records: of replicas that are not in the list, and of enrolments that
-- have ended.
local function sweep()
  local found = redis.call('HSCAN', m.key, m.extra, 'MATCH', 'g:*', 'COUNT', SOME)
  local drop, known = {}, enrolments()
  for i = 1, #found[2], 2 do
    local f, text = found[2][i], found[2][i + 1]
    local current = known[f:match('^g:([^:]+)')]
    if not current or current ~= ANY and current ~= text:match('^%d %d+ (%d+);') then drop[#drop + 1] = f end
  end
  discard(m.key, drop)
  if found[1] == '0' then
    redis.call('HDEL', m.key, 'sweep')
  else
    put[#put + 1], put[#put + 2] = 'sweep', found[1]
  end
end

-- tidy drops from the list of users those whose time is over. It begins once in TIDY, and
-- goes on from one heartbeat to the next, for longer while a quarter of those it meets is over:
-- whoever sends names without end has the list grow, and no faster than it is made shorter.
local function tidy()
  local cursor, begun = (redis.call('HGET', m.key, 'users') or '0 0'):match('^(%d+) (%d+)$')
  if cursor == '0' then
    local ago = now - begun
    if ago >= 0 and ago < TIDY then return end
    begun = format('%d', now)
  end
  for _ = 1, ROUNDS do
    local found, drop = redis.call('HSCAN', KEYS[2], cursor, 'COUNT', SOME), {}
    for i = 1, #found[2], 2 do
      if found[2][i + 1] + 0 <= now then drop[#drop + 1] = found[2][i] end
    end
    discard(KEYS[2], drop)
    cursor = found[1]
    if cursor == '0' or #drop * 8 < #found[2] then break end
  end
  put[#put + 1], put[#put + 2] = 'users', cursor .. ' ' .. begun
end

forget()
tidy()
if m.extra then sweep() end
enrol(m, put, LEASE)
redis.call('PEXPIRE', m.key, ENROLLED)
return { ARGV[1] + 0, now, enrolment + 0, m.last }
