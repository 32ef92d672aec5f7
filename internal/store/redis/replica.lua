-- Replicas: who runs how many requests of one model, in one hash.
--
-- Fields of the hash:
--   replicas         ids, a space between
--   r:REPLICA        "expiry running batch floor": when the lease ends (ms), the
--                    requests that run, the last settlement batch applied, and the
--                    lowest number of a charge that may still arrive
--   x:REPLICA        numbers at or above the floor that have been cancelled before
--                    they arrived, a space before and after each
--   g:REPLICA:NUMBER "running user model": a charge that is not settled: whether it
--                    took a running slot (0 or 1), and the account times, ms
--
-- Expects the prelude: now, replica, LEASE, FORGET and ENROLLED (ms).
--
-- Invariant: a record (g:) and what it has charged appear and disappear in the
-- same script. A replica counts while its lease lasts, and itself always.

-- member reads the state of this replica.
local function member(key)
  local v = redis.call('HMGET', key, 'replicas', 'r:' .. replica, 'x:' .. replica)
  local m = { key = key, list = v[1] or '', marks = v[3] or '', marked = v[3],
    enrolled = v[2], running = 0, batch = 0, floor = 0 }
  if v[2] then
    local _, running, batch, lowest = v[2]:match('^(%d+) (%d+) (%d+) (%d+)$')
    m.running, m.batch, m.floor = tonumber(running), tonumber(batch), tonumber(lowest)
  end
  return m
end

-- refused reports whether the charge with this number came too late: its
-- replica has given it up.
local function refused(m, number)
  return tonumber(number) < m.floor or (m.marked and m.marks:find(' ' .. number .. ' ', 1, true))
end

-- live counts the running requests of the model, and returns with them the
-- other replicas whose lease lasts.
local function live(m)
  local running, ids, fields = m.running, {}, {}
  if m.list ~= replica then
    for id in m.list:gmatch('%S+') do
      if id ~= replica then
        ids[#ids + 1] = id
        fields[#fields + 1] = 'r:' .. id
      end
    end
  end
  if #ids == 0 then return running, ids end
  local alive = {}
  for i, text in ipairs(fetch(m.key, fields)) do
    local expiry, count = (text or '0 0 0 0'):match('^(%d+) (%d+)')
    if tonumber(expiry) > now then
      running = running + tonumber(count)
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
  for _, text in ipairs(fetch(a.key, fields)) do
    local r, i, o, q = held(text)
    running, input, output, requests = running + r, input + i, output + o, requests + q
  end
  return running, input, output, requests
end

-- enrol renews the lease and writes the state of this replica, with more
-- fields and values.
local function enrol(m, more)
  local put = more or {}
  put[#put + 1] = 'r:' .. replica
  put[#put + 1] = string.format('%d %d %d %d', now + LEASE, m.running, m.batch, m.floor)
  if not m.enrolled then
    m.list = m.list == '' and replica or m.list .. ' ' .. replica
    put[#put + 1] = 'replicas'
    put[#put + 1] = m.list
  end
  redis.call('HSET', m.key, unpack(put))
  if not m.enrolled then redis.call('PEXPIRE', m.key, ENROLLED) end
end

-- record is the field of the record of a charge of this replica.
local function record(number) return 'g:' .. replica .. ':' .. number end

-- sweep drops from account a what replicas hold that have been forgotten.
local function sweep(a, m)
  local drop, known = {}, ' ' .. m.list .. ' '
  for _, f in ipairs(redis.call('HKEYS', a.key)) do
    if f:sub(1, 2) == 'h:' and f:sub(3) ~= replica and not known:find(' ' .. f:sub(3) .. ' ', 1, true) then
      drop[#drop + 1] = f
    end
  end
  discard(a.key, drop)
end

-- grant charges account a, notes that this replica holds it, and writes both.
local function grant(a, m, running, what)
  local wasHeld = a.held
  charge(a, what)
  hold(a, 1, running, what)
  save(a)
  if a.grown or crossed(a, 60000) or not (wasHeld or lasting(a)) then outlive(a, true) end
  if a.last and crossed(a, 1800000) then sweep(a, m) end
end

-- grantAll charges the accounts that there are, or that rules need, and writes
-- the record of the charge. running is 1 where it takes a running slot.
local function grantAll(m, model, user, number, running, what)
  local has = model.last or model.rules > 0
  m.running = m.running + running
  enrol(m, { record(number), running .. ' ' .. (user and user.at or 0) .. ' ' .. (has and model.at or 0) })
  if user then grant(user, m, running, what) end
  if has then grant(model, m, 0, what) end
end

-- eachRule calls visit(account, ring, i) for the rules of the user, then for
-- those of the model; i counts from 1.
local function eachRule(model, user, visit)
  local i = 0
  for _, a in ipairs({ user or model, user and model }) do
    for j = 1, a.rules do
      i = i + 1
      visit(a, a.rings[j], i)
    end
  end
end
