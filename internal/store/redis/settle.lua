-- settle: applies a batch of settlements and cancellations of one replica,
-- exactly once.
--
-- KEYS  1 the model's replicas, 2 the model's account, 3- accounts of users, and at last
--       the list of the model's users
-- ARGV  1 nonce, 2 replica and what it has seen
--       3 number of the batch, above that of the batch before it; a space; and the
--         number of the batch that it follows, 0 where all before it are known to
--         have been applied
--       4 lowest number of a charge of this replica that may still arrive
--       5- rings of the rules of each account, from KEYS[2] on to the last but one
--       then per entry: kind (s: settlement, c: cancellation, r: records to be
--         written again), index in KEYS of the user's account, input, output
--         and requests used, how many records, and per record, the oldest
--         first: number, and the input, output and requests that it is of
-- Result { nonce, applied, records that were gone, tokens and requests
--       that slots should have held and did not, cancellations left as a mark,
--       the replica's enrolment, the highest number of a call }
--       applied: 1, or 0 where this batch had been applied before, or -1 where the
--       one that it follows has not: nothing was done
--
-- A settlement replaces its charges by what was used. What has no record was lost
-- together with the counters: nothing is given back for it. A cancellation undoes one
-- charge: the record that it has made, or what it has added to the second one that it
-- names; otherwise it leaves a mark, so that the charge is refused when it comes. A
-- record that is written again says what its request holds, and that it runs; it gives
-- nothing back, for nobody knows whether the counters still have it.
--
-- Invariant: a batch is applied whole or not at all, never twice, and never before the
-- one that it follows. Marks below the floor are dropped, for what is below it is refused
-- anyway.

local batch, follows = ARGV[3]:match('^(%d+) (%d+)$')
batch, follows = batch + 0, follows + 0
local lowest = tonumber(ARGV[4])
local m = join(KEYS[1])
if batch <= m.batch then return { tonumber(ARGV[1]), 0, 0, 0, 0, enrolment + 0, m.last } end
if m.batch < follows then return { tonumber(ARGV[1]), -1, 0, 0, 0, enrolment + 0, m.last } end
m.batch, m.floor = batch, max(m.floor, lowest)

local METERS = { 't', 'i', 'o', 'r' }
local NOTHING = { t = 0, i = 0, o = 0, r = 0 }
local lost, missing, marked = 0, 0, 0
local records, settled, accounts = {}, {}, {} -- records and accounts by number and by index in KEYS

-- parse reads the entries from ARGV, and the records that they name.
local function parse()
  local entries, fields, numbers = {}, {}, {}
  local i = 3 + #KEYS
  while i <= #ARGV do
    local e = { kind = ARGV[i], user = tonumber(ARGV[i + 1]), used = amount(i + 2), parts = {} }
    for n = 1, tonumber(ARGV[i + 5]) do
      local at = i + 2 + 4 * n
      e.parts[n] = { number = ARGV[at], amount = amount(at + 1) }
      numbers[#numbers + 1], fields[#fields + 1] = ARGV[at], record(ARGV[at])
    end
    i = i + 6 + 4 * #e.parts
    entries[#entries + 1] = e
  end
  local texts = fetch(m.key, fields)
  for n, number in ipairs(numbers) do records[number] = read(texts[n]) end
  return entries
end

-- opened returns the account at KEYS[i]; of the model, false where there is none and no rule
-- needs one.
local function opened(i)
  if accounts[i] == nil then
    local a = open(KEYS[i], ARGV[3 + i], {})
    accounts[i] = exists(a) and a
  end
  return accounts[i]
end

-- refund takes v off slot s of ring r, and notes how much of it the slot did not hold.
local function refund(r, s, v)
  local f, value = slot(r, s)
  local back = min(v, value)
  missing = missing + v - back
  if s == r.head then
    add(r, -back)
  elseif back ~= 0 then
    setOlder(r.account, f, value - back)
    r.sum, r.changed, r.account.dirty = r.sum - back, true, true
  end
end

-- MANY is from how many charges on a ring is read whole.
local MANY = 8

-- giveBack takes v out of ring r: out of the slots of the newest charge first. A slot
-- that has left its window is skipped: its charge has gone with it. So is a charge that
-- is older than the ring: what the slot holds is of other requests. A charge of the very
-- millisecond at which the ring was added may be older, and is skipped too.
local function giveBack(r, parts, scope, v)
  local from, left = since(r), r.head - r.slots
  local at, sum = false, 0 -- the slot that the last charges lie in, and what it gives back
  for n = #parts, 1, -1 do
    local p = parts[n]
    local charges = p.record and p.record.charges or { p }
    if #charges > MANY then every(r) end
    for i = 1, #charges do
      if v == 0 then break end
      local c = charges[i]
      local back, t = min(v, c.amount[r.meter]), p.record and c[scope] or 0
      v = v - back
      local s = slotAt(t, r.width)
      if t > from and s > left and s <= r.head then
        if s ~= at then
          if at then refund(r, at, sum) end
          at, sum = s, 0
        end
        sum = sum + back
      end
    end
  end
  if at then refund(r, at, sum) end
end

-- charged returns how many of charges are of an account, by scope, and their sum.
local function charged(charges, scope)
  local first = charges[1]
  if not charges[2] then return first[scope] > 0 and 1 or 0, first.amount end
  local n, all = 0, { i = 0, o = 0, r = 0 }
  for _, c in ipairs(charges) do
    if c[scope] > 0 then
      n = n + 1
      all.i, all.o, all.r = all.i + c.amount.i, all.o + c.amount.o, all.r + c.amount.r
    end
  end
  return n, all
end

-- apply brings account a, whose times the records have as scope, from what parts have
-- charged to what is used: by delta. An account that is younger than every charge has
-- no part in it.
local function apply(a, parts, scope, delta)
  local concerned = false
  for _, p in ipairs(parts) do
    local r = p.record
    if r then
      local n, all = charged(r.charges, scope)
      if n > 0 then hold(a, -1, scope == 'user' and r.running or 0, all) end
      concerned = concerned or n > 0
    else
      concerned = true
    end
  end
  if not concerned then return end
  for _, r in ipairs(a.rings) do
    local d = delta[r.meter]
    if d < 0 then giveBack(r, parts, scope, -d) elseif d ~= 0 then add(r, d) end
  end
end

-- difference returns what is used less what parts have charged.
local function difference(used, parts)
  local delta = {}
  for _, meter in ipairs(METERS) do
    delta[meter] = used[meter]
    for _, p in ipairs(parts) do delta[meter] = delta[meter] - p.amount[meter] end
  end
  return delta
end

-- replace replaces what parts have charged by what is used, for the user's account at
-- KEYS[index] and the model's.
local function replace(index, parts, used)
  for _, p in ipairs(parts) do
    if p.record then m.running = max(0, m.running - p.record.running) end
  end
  local delta = difference(used, parts)
  local user, model = opened(index), opened(2)
  apply(user, parts, 'user', delta)
  if model then apply(model, parts, 'model', delta) end
end

local KINDS = {}

-- a settlement
function KINDS.s(e)
  for _, p in ipairs(e.parts) do
    p.record, records[p.number] = records[p.number], nil
    if p.record then settled[#settled + 1] = record(p.number) else lost = lost + 1 end
  end
  replace(e.user, e.parts, e.used)
end

-- a cancellation
function KINDS.c(e)
  local p = e.parts[1]
  local own, other = records[p.number], e.parts[2] and records[e.parts[2].number]
  if own then
    p.record, records[p.number] = own, nil
    settled[#settled + 1] = record(p.number)
    replace(e.user, { p }, NOTHING)
  elseif other and other.last == p.number then
    local c = other.charges[1]
    other.last, other.changed = '0', true
    for meter, v in pairs(p.amount) do c.amount[meter] = max(0, c.amount[meter] - v) end
    p.record = { running = 0, charges = { { user = c.user, model = c.model, amount = p.amount } } }
    replace(e.user, { p }, NOTHING)
  else
    marked = marked + 1
    if tonumber(p.number) >= m.floor then m.marks = m.marks .. ' ' .. p.number .. ' ' end
  end
end

-- the records of a request that are to be written again where they are missing; their
-- times are before those of every ring. The first one has taken the running slot.
function KINDS.r(e)
  local user, model = opened(e.user), opened(2)
  for i, p in ipairs(e.parts) do
    if not records[p.number] then
      local running = i == 1 and 1 or 0
      m.running = m.running + running
      hold(user, 1, running, p.amount)
      if model then hold(model, 1, 0, p.amount) end
      records[p.number] = {
        running = running, last = '0', changed = true,
        charges = { { user = 1, model = model and 1 or 0, amount = p.amount } },
      }
    end
  end
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
  if a.grown or crossed(a, 60000) then list(a) end
  local life = lifetime(a)
  if life < HELD and (not a.held or crossed(a, 60000)) then
    local _, ids = live(m)
    local running, input, output, requests = holdings(a, ids)
    expire(a, max(running, input, output, requests) > 0 and HELD or life)
  elseif a.grown or crossed(a, 60000) then
    expire(a, HELD)
  end
end

for _, e in ipairs(parse()) do KINDS[e.kind](e) end

-- What may be refused later is asked for where that changes nothing: a batch that was
-- half applied and has its number would not be applied again. (Redis takes the rest
-- then also when its memory is full, and gets some back.)
redis.call('HDEL', m.key, '')
redis.call('PEXPIRE', m.key, ENROLLED)
prune()
local put = {}
for number, r in pairs(records) do
  if r.changed then put[#put + 1], put[#put + 2] = record(number), recorded(r) end
end
enrol(m, put, LEASE)
discard(m.key, settled)
for _, a in pairs(accounts) do
  if a and a.dirty then close(a) end
end
return { tonumber(ARGV[1]), 1, lost, missing, marked, enrolment + 0, m.last }
