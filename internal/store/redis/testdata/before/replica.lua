-- Replicas: who runs how many requests of one model, in one hash.
--
-- Fields of the hash:
--   replicas         ids, a space between
--   r:REPLICA        "expiry running batch floor marks": when the lease ends (ms),
--                    the requests that run, the last settlement batch applied, the
--                    lowest number of a charge that may still arrive, and marks: the
--                    numbers above it that were cancelled before they arrived, with
--                    a space before and after each (nothing where there are none)
--   g:REPLICA:NUMBER "running user model": a charge that is not settled: whether it
--                    took a running slot (0 or 1), and the account times, ms
--
--   about            what this hash is, for who finds it
--
-- Expects the prelude: now and me, LEASE and ENROLLED (ms); and account.lua.
--
-- Invariant: a record (g:) and what it has charged appear and disappear in the
-- same script. A replica counts while its lease lasts, and itself always.

-- join reads the state of the calling replica.
local function join(key)
  local v = redis.call('HMGET', key, 'replicas', 'r:' .. me)
  local m = { key = key, list = v[1] or '', marks = '', enrolled = v[2], running = 0, batch = 0, floor = 0 }
  if v[2] then
    local running, batch, lowest, marks = v[2]:match('^%d+ (%d+) (%d+) (%d+)(.*)$')
    m.running, m.batch, m.floor, m.marks = running + 0, batch + 0, lowest + 0, marks
  end
  return m
end

-- refuses reports whether the charge with this number came too late: its
-- replica has given it up.
local function refuses(m, number)
  return number + 0 < m.floor or (m.marks ~= '' and m.marks:find(' ' .. number .. ' ', 1, true))
end

-- live counts the running requests of the model, and returns with them the
-- other replicas whose lease lasts.
local function live(m)
  local running, alive = m.running, {}
  if m.list == '' or m.list == me then return running, alive end
  local ids, fields = {}, {}
  for id in m.list:gmatch('%S+') do
    if id ~= me then
      ids[#ids + 1] = id
      fields[#fields + 1] = 'r:' .. id
    end
  end
  for i, text in ipairs(redis.call('HMGET', m.key, unpack(fields))) do
    local expiry, count = (text or '0 0 0 0'):match('^(%d+) (%d+)')
    if expiry + 0 > now then
      running = running + count
      alive[#alive + 1] = ids[i]
    end
  end
  return running, alive
end

-- holdings adds up what this replica and those of ids hold of account a:
-- running, input, output, requests.
local function holdings(a, ids)
  local running, input, output, requests = held(a.held)
  if #ids == 0 then return running, input, output, requests end
  local fields = {}
  for i, id in ipairs(ids) do fields[i] = 'h:' .. id end
  for _, text in ipairs(redis.call('HMGET', a.key, unpack(fields))) do
    local r, i, o, q = held(text)
    running, input, output, requests = running + r, input + i, output + o, requests + q
  end
  return running, input, output, requests
end

-- A text of more than 64 bytes keeps the hash out of the compact encoding, in
-- which every field is looked for from the first one on.
local ABOUT = 'requests of this model that are running, and charges not settled yet, by gateway replica'

-- enrol renews the lease and writes the state of the calling replica, with the
-- fields and values of put.
local function enrol(m, put)
  put[#put + 1] = 'r:' .. me
  put[#put + 1] = format('%d %d %d %d', now + LEASE, m.running, m.batch, m.floor) .. m.marks
  if not m.enrolled then
    m.list = m.list == '' and me or m.list .. ' ' .. me
    put[#put + 1] = 'replicas'
    put[#put + 1] = m.list
    put[#put + 1] = 'about'
    put[#put + 1] = ABOUT
  end
  redis.call('HSET', m.key, unpack(put))
  if not m.enrolled then redis.call('PEXPIRE', m.key, ENROLLED) end
end

-- record is the field of the record of a charge of the calling replica.
local function record(number) return 'g:' .. me .. ':' .. number end
