-- Charges: changing an open account, and writing it.
--
-- Expects account.lua, and of the prelude HELD and MARGIN (ms); and that the last of KEYS
-- is the list of the model's users, and the second one the model's account.

-- add charges v to the current slot of ring r.
local function add(r, v)
  r.value, r.sum, r.changed = r.value + v, r.sum + v, true
  r.account.dirty = true
end

-- hold adds to (with sign -1: takes from) what the calling replica holds of a.
local function hold(a, sign, running, what)
  local r, i, o, q = held(a.held)
  r, i = max(0, r + sign * running), max(0, i + sign * what.i)
  o, q = max(0, o + sign * what.o), max(0, q + sign * what.r)
  local text = format('%d %d %d %d', r, i, o, q)
  a.held = text ~= '0 0 0 0' and text
  a.holding, a.dirty = true, true
end

-- save writes what has changed in a.
local function save(a)
  local put, n, drop = { 't', format('%d', a.at) }, 2, {}
  local function keep(f, value)
    if value == 0 then
      drop[#drop + 1] = f
    else
      put[n + 1], put[n + 2] = f, format('%d', value)
      n = n + 2
    end
  end
  for i = 1, #a.rings do
    local r = a.rings[i]
    if r.changed then
      keep(r.name, r.sum)
      keep(r.current, r.value)
    end
  end
  if a.touched then
    for f, value in pairs(a.touched) do keep(f, value) end
  end
  if a.rebased then keep('k', a.skew) end
  if a.grown then
    put[n + 1], put[n + 2], n = 'l', a.layout, n + 2
    for i = 1, a.last and #a.rings or 0 do
      local r = a.rings[i]
      if not r.counted then put[n + 1], put[n + 2], n = 's:' .. r.name, format('%d', a.at), n + 2 end
    end
  end
  if a.held then
    put[n + 1], put[n + 2], n = 'h:' .. me, a.held, n + 2
    if not a.stamped then put[n + 1], put[n + 2] = 'e:' .. me, enrolment end
  elseif a.holding then
    drop[#drop + 1] = 'h:' .. me
    drop[#drop + 1] = 'e:' .. me
  end
  redis.call('HSET', a.key, unpack(put))
  if #drop > 0 then redis.call('HDEL', a.key, unpack(drop)) end
end

-- rebase keeps the age of what a holds when the clock has stepped back and
-- nothing is charged: its clock is corrected, its counters are not touched.
local function rebase(a)
  if a and a.rebased then redis.call('HSET', a.key, 'k', format('%d', a.skew)) end
end

-- crossed reports whether a slot of the given width has begun since a was last
-- charged; true of an account that is new.
local function crossed(a, width)
  return not a.last or slotAt(a.last, width) ~= slotAt(a.at, width)
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

-- lifetime returns how long anything in a can count, in ms.
local function lifetime(a)
  local life = 0
  for i = 1, #a.rings do life = max(life, a.rings[i].width * a.rings[i].slots) end
  return life
end

-- expire sets the expiry of a, which needs to live that long.
local function expire(a, life) redis.call('PEXPIRE', a.key, life + MARGIN) end

-- list notes in the list of the model's users until when something of the user's account a
-- may count, unless that was noted lately: it is called where a minute has begun since a was
-- last charged, and lasts for all that is charged until the next such note. An account that
-- has a window of a day is noted once in half an hour.
--
-- The list tells and decides nothing: where it cannot be written, the charge stands.
--
-- Invariant: an account of which something counts is in the list, if no replica of the
-- release before has charged it last.
local function list(a)
  if a.key == KEYS[2] then return end
  local life, slot = lifetime(a), 60000
  if life >= HELD then
    if not a.grown and not crossed(a, 1800000) then return end
    slot = 1800000
  end
  local users = KEYS[#KEYS]
  redis.pcall('HSET', users, sub(a.key, #KEYS[2] + 2), format('%d', now + max(life, LISTED) + slot))
  redis.pcall('PEXPIRE', users, HELD + 1800000 + MARGIN)
end
