-- Replicas: who runs how many requests of one model, in one hash.
--
-- Fields of the hash:
--   replicas         ids, a space between
--   clock            "lease server": the lease clock, ms, and the server's time when
--                    it was last moved
--   r:REPLICA        "expiry running batch floor @lease enrolment last marks": when the
--                    lease ends by the server's time (for the release before, which
--                    goes by that, and writes nothing from @ on but marks); the
--                    requests that run; the last settlement batch applied; the lowest
--                    number of a charge that may still arrive; when the lease ends by
--                    the lease clock; which enrolment this is; the highest number of
--                    a call that has written here; and marks: the numbers above the
--                    floor that were cancelled before they arrived, with a space before
--                    and after each (nothing where there are none)
--   g:REPLICA:NUMBER the record of charges that are not settled: see record.lua
--   sweep            where to go on looking for records that are void; absent where
--                    nothing is looked for
--   users            "cursor begun": where to go on looking for users of whom nothing counts,
--                    0: nowhere; and the server's time when that was begun, ms
--   about            what this hash is, for who finds it
--
-- Expects the prelude: now and me, LEASE, BEAT and ENROLLED (ms); seen and seenIn: the
-- highest number of a call on the model whose answer the replica has, and the enrolment
-- that it was made in (0: it has none); and account.lua.
--
-- The lease clock is moved by every script that writes: by the server's time since
-- the one before, never back and never by more than the time between two heartbeats.
-- So a step of the server's clock, and a standstill of the server, in which no replica
-- could be heard of, let no lease end.
--
-- An enrolment is a replica's entry in this hash from its making to its loss, named by
-- the number of the call that made it. Records and what accounts say is held (h:) are
-- of one enrolment, and void in the next: they go together.
--
-- Where a call has written that is not known here any more, Redis has an older state of
-- the replica (a failover, a restart from a snapshot): requests run in it that have ended,
-- and others are missing. Whatever script comes first enrols the replica anew, and it
-- writes again what it runs. Where Redis has lost the replica, and another call has
-- enrolled it since, all that is there is of now, and good.
--
-- Invariant: a record (g:) and what it has charged appear and disappear in the
-- same script. A replica counts while its lease lasts, and itself always.

-- join reads the state of the calling replica, and one more field where it is named.
local function join(key, field)
  local v = field and redis.call('HMGET', key, 'replicas', 'r:' .. me, 'clock', field)
    or redis.call('HMGET', key, 'replicas', 'r:' .. me, 'clock')
  local m = {
    key = key, list = v[1] or '', enrolled = v[2], extra = v[4], clock = now,
    running = 0, batch = 0, floor = 0, last = 0, marks = '',
  }
  if v[3] then
    local lease, server = v[3]:match('^(%d+) (%d+)$')
    m.clock = lease + max(0, min(now - server, BEAT))
    m.stands = server + 0 == now
  end
  enrolment = ARGV[1]
  if v[2] then
    local running, batch, lowest, stamp, last, marks = v[2]:match('^%d+ (%d+) (%d+) (%d+) @%d+ (%d+) (%d+)(.*)$')
    m.running, m.batch, m.floor, m.last, m.marks = running + 0, batch + 0, lowest + 0, last + 0, marks
    m.older = m.last < seen + 0 and stamp + 0 <= seenIn + 0
    if m.older then m.running = 0 else enrolment = stamp end
  end
  return m
end

-- refuses reports whether the charge with this number came too late: its
-- replica has given it up.
local function refuses(m, number)
  return number + 0 < m.floor or (m.marks ~= '' and m.marks:find(' ' .. number .. ' '))
end

-- ends returns by how much the lease of a replica that has this state lasts still
-- (ms; not positive: it has ended), its running requests, and its enrolment, which is
-- absent for replicas of the release before. Their leases are of the server's time.
local function ends(m, state)
  local expiry, running, rest = (state or '0 0'):match('^(%d+) (%d+)(.*)$')
  local lease, stamp = rest:match('@(%d+) (%d+)')
  if lease then return lease - m.clock, running + 0, stamp end
  return expiry - now, running + 0
end

-- live counts the running requests of the model, and returns with them the
-- other replicas whose lease lasts.
local function live(m)
  local running, alive = m.running, {}
  if m.list == me then return running, alive end
  local ids, fields = {}, {}
  for id in m.list:gmatch('%S+') do
    if id ~= me then
      ids[#ids + 1] = id
      fields[#fields + 1] = 'r:' .. id
    end
  end
  if #ids == 0 then return running, alive end
  local states = redis.call('HMGET', m.key, unpack(fields))
  for i = 1, #ids do
    local lasts, count, stamp = ends(m, states[i])
    if lasts > 0 then
      running = running + count
      alive[#alive + 1] = { id = ids[i], enrolment = stamp }
    end
  end
  return running, alive
end

-- holdings adds up what this replica and those of others hold of account a:
-- running, input, output, requests.
local function holdings(a, others)
  local running, input, output, requests = held(a.held)
  if #others == 0 then return running, input, output, requests end
  local fields = {}
  for i, o in ipairs(others) do fields[2 * i - 1], fields[2 * i] = 'h:' .. o.id, 'e:' .. o.id end
  local values = redis.call('HMGET', a.key, unpack(fields))
  for n, other in ipairs(others) do
    if not other.enrolment or other.enrolment == values[2 * n] then
      local r, i, o, q = held(values[2 * n - 1])
      running, input, output, requests = running + r, input + i, output + o, requests + q
    end
  end
  return running, input, output, requests
end

-- A text of more than 64 bytes keeps the hash out of the compact encoding, in
-- which every field is looked for from the first one on.
local ABOUT = 'requests of this model that are running, and charges not settled yet, by gateway replica'

-- enrol writes the state of the calling replica, with a lease of the given time, and
-- the fields and values of put.
local function enrol(m, put, lease)
  local n = #put
  m.last = max(m.last, ARGV[1] + 0)
  put[n + 1] = 'r:' .. me
  put[n + 2] = format('%d %d %d %d @%d %s %d', now + lease, m.running, m.batch, m.floor, m.clock + lease, enrolment, m.last) .. m.marks
  if not m.stands then
    put[n + 3], put[n + 4], n = 'clock', format('%d %d', m.clock, now), n + 2
  end
  if not m.enrolled then
    m.list = m.list == '' and me or m.list .. ' ' .. me
    put[n + 3], put[n + 4], put[n + 5], put[n + 6] = 'replicas', m.list, 'about', ABOUT
  end
  if m.older then put[#put + 1], put[#put + 2] = 'sweep', '0' end
  redis.call('HSET', m.key, unpack(put))
  if not m.enrolled then redis.call('PEXPIRE', m.key, ENROLLED) end
end
