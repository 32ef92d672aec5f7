-- settle: applies a batch of settlements and cancellations of one replica,
-- exactly once.
--
-- KEYS  1 the model's replicas, 2 the model's account, 3- accounts of users
-- ARGV  1 nonce, 2 replica
--       3 number of the batch, above that of the batch before it; a space; and the
--         number of the batch that it follows, 0 where all before it are known to
--         have been applied
--       4 lowest number of a charge of this replica that may still arrive
--       5- rings of the rules of each account, from KEYS[2] on
--       then per entry: kind (s: settlement, c: cancellation), index in KEYS of
--         the user's account (0: none), input, output and requests used, how
--         many charges, and per charge, the oldest first: number, input,
--         output, requests
-- Result { nonce, applied, charges whose record was gone, tokens and requests
--       that slots should have held and did not, cancellations left as a mark }
--       applied: 1, or 0 where this batch had been applied before, or -1 where the
--       one that it follows has not: nothing was done
--
-- A settlement replaces its charges by what was used. A charge without a
-- record was lost together with the counters: nothing is given back for it. A
-- cancellation undoes one charge wherever its record is, and otherwise leaves a
-- mark, so that the charge is refused when it comes.
--
-- Invariant: a batch is applied whole or not at all, never twice, and never before
-- the one that it follows. Marks
-- below the floor are dropped, for what is below it is refused anyway.

local batch, follows = ARGV[3]:match('^(%d+) (%d+)$')
batch, follows = batch + 0, follows + 0
local lowest = tonumber(ARGV[4])
local m = join(KEYS[1])
if batch <= m.batch then return { tonumber(ARGV[1]), 0, 0, 0, 0 } end
if m.batch < follows then return { tonumber(ARGV[1]), -1, 0, 0, 0 } end
m.batch, m.floor = batch, max(m.floor, lowest)

local METERS = { 't', 'i', 'o', 'r' }
local lost, missing, marked = 0, 0, 0
local settled, accounts = {}, {}

-- parse reads the entries from ARGV, and the numbers of all their charges.
local function parse()
  local entries, numbers = {}, {}
  local i = 4 + #KEYS
  while i <= #ARGV do
    local e = { cancel = ARGV[i] == 'c', user = tonumber(ARGV[i + 1]), used = amount(i + 2), charges = {} }
    for n = 1, tonumber(ARGV[i + 5]) do
      local at = i + 2 + 4 * n
      e.charges[n] = { number = ARGV[at], amount = amount(at + 1) }
      numbers[#numbers + 1] = record(ARGV[at])
    end
    i = i + 6 + 4 * #e.charges
    entries[#entries + 1] = e
  end
  return entries, numbers
end

-- find notes in every charge what its record says.
local function find(entries, numbers)
  local records = #numbers > 0 and fetch(m.key, numbers) or {}
  local n = 0
  for _, e in ipairs(entries) do
    for _, c in ipairs(e.charges) do
      n = n + 1
      if records[n] then
        local running, user, model = records[n]:match('^(%d) (%d+) (%d+)$')
        c.running, c.user, c.model = running + 0, user + 0, model + 0
        settled[#settled + 1] = numbers[n]
      elseif e.cancel then
        marked = marked + 1
        if tonumber(c.number) >= m.floor then m.marks = m.marks .. ' ' .. c.number .. ' ' end
      else
        lost = lost + 1
      end
    end
  end
end

-- opened returns the account at KEYS[i]; false where there is none and no rule needs one.
local function opened(i)
  if accounts[i] == nil then
    local a = open(KEYS[i], ARGV[3 + i], {})
    accounts[i] = exists(a) and a
  end
  return accounts[i]
end

-- since returns the time of its account when ring r was added to it; 0 where
-- the account began with it.
local function since(r)
  local a = r.account
  if not a.since then
    local fields = {}
    for i, ring in ipairs(a.rings) do fields[i] = 's:' .. ring.name end
    a.since = {}
    for i, at in ipairs(redis.call('HMGET', a.key, unpack(fields))) do
      a.since[fields[i]] = (at or 0) + 0
    end
  end
  if not r.counted and a.last then return a.at end
  return a.since['s:' .. r.name]
end

-- refund takes v off the slot of ring r that was current at the moment at, and
-- returns how much of it the slot did not hold. A slot that has left its
-- window is skipped: its charge has gone with it. So is a charge that is older
-- than the ring: what the slot holds is of other requests. A charge of the very
-- millisecond at which the ring was added may be older, and is skipped too.
local function refund(r, at, v)
  if at <= since(r) then return 0 end
  local s = slotAt(at, r.width)
  if s > r.head or s <= r.head - r.slots then return 0 end
  local f, value = slot(r, s)
  local back = min(v, value)
  if s == r.head then
    add(r, -back)
  elseif back ~= 0 then
    setOlder(r.account, f, value - back)
    r.sum, r.changed, r.account.dirty = r.sum - back, true, true
  end
  return v - back
end

-- correct brings ring r from what was granted to what was used.
local function correct(r, e, scope, delta)
  if delta > 0 then
    add(r, delta)
    return
  end
  for n = #e.charges, 1, -1 do
    if delta == 0 then return end
    local c = e.charges[n]
    local back = min(-delta, c.amount[r.meter])
    if c.running and back > 0 then missing = missing + refund(r, c[scope], back) end
    delta = delta + back
  end
end

-- apply settles entry e on account a, whose times the records have as scope. An
-- account that is younger than every charge has no part in it.
local function apply(a, e, scope, granted)
  local concerned = false
  for _, c in ipairs(e.charges) do
    if c.running and c[scope] > 0 then hold(a, -1, scope == 'user' and c.running or 0, c.amount) end
    concerned = concerned or not c.running or c[scope] > 0
  end
  if not concerned then return end
  for _, r in ipairs(a.rings) do correct(r, e, scope, e.used[r.meter] - granted[r.meter]) end
end

local function sum(charges)
  local total = { t = 0, i = 0, o = 0, r = 0 }
  for _, c in ipairs(charges) do
    for _, meter in ipairs(METERS) do total[meter] = total[meter] + c.amount[meter] end
  end
  return total
end

-- prune drops the marks below the floor.
local function prune()
  local marks = {}
  for number in m.marks:gmatch('%S+') do
    if tonumber(number) >= m.floor then marks[#marks + 1] = ' ' .. number .. ' ' end
  end
  m.marks = table.concat(marks)
end

-- close writes account a, and lets it expire once nobody holds it.
local function close(a)
  save(a)
  local life = lifetime(a)
  if life < HELD and (not a.held or crossed(a, 60000)) then
    local _, ids = live(m)
    local running, input, output, requests = holdings(a, ids)
    expire(a, running + input + output + requests > 0 and HELD or life)
  elseif a.grown or crossed(a, 60000) then
    expire(a, max(HELD, life))
  end
end

local entries, numbers = parse()
find(entries, numbers)
for _, e in ipairs(entries) do
  local granted = sum(e.charges)
  for _, c in ipairs(e.charges) do m.running = max(0, m.running - (c.running or 0)) end
  local user, model = e.user > 0 and opened(e.user), opened(2)
  if user then apply(user, e, 'user', granted) end
  if model then apply(model, e, 'model', granted) end
end

-- What may be refused later is asked for where that changes nothing: a batch that was
-- half applied and has its number would not be applied again. (Redis takes the rest
-- then also when its memory is full, and gets some back.)
redis.call('HDEL', m.key, '')
redis.call('PEXPIRE', m.key, ENROLLED)
prune()
enrol(m, {})
discard(m.key, settled)
for _, a in pairs(accounts) do
  if a and a.dirty then close(a) end
end
return { tonumber(ARGV[1]), 1, lost, missing, marked }
