-- Accounts: the counters of one user, or of a model, in one hash.
--
-- Fields of the hash:
--   t            the account's time when it was last charged, ms; never runs back
--   k            the account's time less the server's, ms; absent: 0
--   l            the rings that the account has, two letters each, e.g. "tmthtd"
--   NAME         the sum of a ring, e.g. tm: [t]okens per [m]inute
--   NAME<n>      a slot of a ring: what was charged in slot number s, s % slots = n
--   h:REPLICA    "running input output requests": what a replica's requests that
--                are not settled hold
-- A field that would be 0 is absent. A ring's current slot follows from t.
--
-- Expects the prelude: now (ms), replica, WIDTH and SLOTS by window letter (ms;
-- slots kept, which is one more than make up the window), TOLERANCE (ms), HELD
-- (ms), MARGIN (ms).
--
-- Invariant: the sum of a ring is the sum of its slots, and no counter is
-- negative. Opening an account changes nothing; save writes what has changed.

local floor, max, min = math.floor, math.max, math.min
local chunk = 2000 -- fields of one command; Lua's stack bounds them

-- fetch returns the values of the fields of a hash.
local function fetch(key, fields)
  if #fields <= chunk then return redis.call('HMGET', key, unpack(fields)) end
  local all = {}
  for i = 1, #fields, chunk do
    local part = redis.call('HMGET', key, unpack(fields, i, min(i + chunk - 1, #fields)))
    for j = 1, #part do all[i + j - 1] = part[j] end
  end
  return all
end

-- discard deletes fields of a hash.
local function discard(key, fields)
  for i = 1, #fields, chunk do
    redis.call('HDEL', key, unpack(fields, i, min(i + chunk - 1, #fields)))
  end
end

-- amount reads input, output and requests from ARGV at i; members are by meter.
local function amount(i)
  local input, output, requests = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  return { t = input + output, i = input, o = output, r = requests }
end

-- ring describes one window of one meter, named by two letters.
local function ring(name, counted)
  local window = name:sub(2, 2)
  return { name = name, meter = name:sub(1, 1), width = WIDTH[window], slots = SLOTS[window], counted = counted }
end

-- field names the slot with number s of ring r.
local function field(r, s) return r.name .. s % r.slots end

-- load reads the fields of a that are not known yet.
local function load(a, fields)
  if #fields == 0 then return end
  local values = fetch(a.key, fields)
  for i = 1, #fields do a.values[fields[i]] = tonumber(values[i]) or 0 end
end

local function set(a, f, value)
  a.values[f] = value
  a.changed[f] = true
  a.dirty = true
end

-- cover adds to a the rings that it has (stored) and the policy does not, and
-- notes which of the policy's are new.
local function cover(a, layout, stored)
  local missing = {}
  for name in stored:gmatch('..') do
    if not layout:find(name, 1, true) then
      local r = ring(name, true)
      a.rings[#a.rings + 1] = r
      missing[#missing + 1] = name
      missing[#missing + 1] = field(r, floor(now / r.width))
      layout = layout .. name
    end
  end
  for i = 1, a.rules do
    local r = a.rings[i]
    r.counted = stored:find(r.name, 1, true) ~= nil
    a.grown = a.grown or not r.counted
  end
  a.layout = layout
  load(a, missing)
end

-- advance moves a to the server's time. Time that steps back a little stands
-- still; when it steps back further, the account goes on from where it was.
local function advance(a)
  local at = now + a.skew
  if a.last and at < a.last then
    if a.last - at > TOLERANCE then
      a.skew = a.last - now
      a.rebased = true
    end
    at = a.last
  end
  a.at = at
end

-- roll makes the slots of a's time the current ones, and drops what has left.
local function roll(a)
  local missing = {}
  for _, r in ipairs(a.rings) do
    r.head = floor(a.at / r.width)
    r.from = r.head + 1
    if a.last and a.values[r.name] ~= 0 then
      r.from = max(floor(a.last / r.width) + 1, r.head - r.slots + 1)
    end
    for s = r.from, r.head do
      local f = field(r, s)
      if not a.values[f] then missing[#missing + 1] = f end
    end
  end
  load(a, missing)
  for _, r in ipairs(a.rings) do
    for s = r.from, r.head do
      local f = field(r, s)
      local gone = a.values[f]
      if gone ~= 0 then
        set(a, r.name, a.values[r.name] - gone)
        set(a, f, 0)
      end
    end
  end
  a.dirty = false -- what has only aged need not be written
end

-- open reads the account at key, with at least the rings of layout, which come
-- first in a.rings and in the same order.
local function open(key, layout)
  local a = { key = key, layout = layout, rules = #layout / 2, rings = {}, values = {}, changed = {} }
  local fields = { 't', 'k', 'l', 'h:' .. replica }
  for name in layout:gmatch('..') do
    local r = ring(name, true)
    a.rings[#a.rings + 1] = r
    fields[#fields + 1] = name
    fields[#fields + 1] = field(r, floor(now / r.width))
  end
  local values = redis.call('HMGET', key, unpack(fields))
  for i = 5, #fields do a.values[fields[i]] = tonumber(values[i]) or 0 end
  a.last, a.skew, a.held = tonumber(values[1]), tonumber(values[2]) or 0, values[4]
  if values[3] ~= layout then cover(a, layout, values[3] or '') end
  advance(a)
  roll(a)
  return a
end

-- add charges v to the current slot of ring r.
local function add(a, r, v)
  local f = field(r, r.head)
  if not a.values[f] then load(a, { f }) end
  set(a, f, a.values[f] + v)
  set(a, r.name, a.values[r.name] + v)
end

-- charge charges an amount to every ring of a.
local function charge(a, what)
  a.dirty = true
  for _, r in ipairs(a.rings) do
    local v = what[r.meter]
    if v ~= 0 then add(a, r, v) end
  end
end

-- refund takes v off the slot of ring r that was current at the moment at, and
-- returns how much of it the slot did not hold. A slot that has left its
-- window is skipped: its charge has gone with it.
local function refund(a, r, at, v)
  local s = floor(at / r.width)
  if s > r.head or s <= r.head - r.slots then return 0 end
  local f = field(r, s)
  if not a.values[f] then load(a, { f }) end
  local back = min(v, a.values[f])
  if back ~= 0 then
    set(a, f, a.values[f] - back)
    set(a, r.name, a.values[r.name] - back)
  end
  return v - back
end

-- slots reads every slot of ring r.
local function slots(a, r)
  local missing = {}
  for i = 0, r.slots - 1 do
    local f = r.name .. i
    if not a.values[f] then missing[#missing + 1] = f end
  end
  load(a, missing)
end

-- wait returns the ms until excess has left ring r: the moment at which the
-- slots that hold it, the oldest first, have left.
local function wait(a, r, excess)
  if excess <= 0 or not r.counted then return 0 end
  slots(a, r)
  local last = r.head
  for s = r.head - r.slots + 1, r.head do
    local v = a.values[field(r, s)]
    if v > 0 then
      last, excess = s, excess - v
      if excess <= 0 then break end
    end
  end
  return (last + r.slots) * r.width - a.at
end

-- reset returns the ms until ring r is empty if nothing more is charged.
local function reset(a, r)
  if a.values[r.name] == 0 then return 0 end
  if (a.values[field(r, r.head)] or 0) == 0 then slots(a, r) end
  for s = r.head, r.head - r.slots + 1, -1 do
    if a.values[field(r, s)] > 0 then return (s + r.slots) * r.width - a.at end
  end
  return 0
end

-- held reads what a replica holds of an account: running, input, output, requests.
local function held(text)
  if not text then return 0, 0, 0, 0 end
  local running, input, output, requests = text:match('^(%d+) (%d+) (%d+) (%d+)$')
  return tonumber(running), tonumber(input), tonumber(output), tonumber(requests)
end

-- hold adds to (or, with sign -1, takes from) what this replica holds of a.
local function hold(a, sign, running, what)
  local r, i, o, q = held(a.held)
  r, i = max(0, r + sign * running), max(0, i + sign * what.i)
  o, q = max(0, o + sign * what.o), max(0, q + sign * what.r)
  a.held = r + i + o + q > 0 and string.format('%d %d %d %d', r, i, o, q)
  a.holding, a.dirty = true, true
end

-- outlive sets the expiry of a: as long as anything in it counts, and, as long
-- as requests hold it, longer than requests run.
local function outlive(a, isHeld)
  local life = isHeld and HELD or 0
  for _, r in ipairs(a.rings) do life = max(life, r.width * r.slots) end
  redis.call('PEXPIRE', a.key, life + MARGIN)
end

-- lasting reports whether a lives as long as requests may run, held or not.
local function lasting(a)
  for _, r in ipairs(a.rings) do
    if r.width * r.slots >= HELD then return true end
  end
  return false
end

-- crossed reports whether a slot of the given width has begun since a was last
-- charged; true of an account that is new.
local function crossed(a, width)
  return not a.last or floor(a.last / width) ~= floor(a.at / width)
end

-- save writes what has changed in a.
local function save(a)
  local put, drop = { 't', a.at }, {}
  local function keep(f, value)
    put[#put + 1] = f
    put[#put + 1] = value
  end
  if a.rebased then keep('k', a.skew) end
  if a.grown then keep('l', a.layout) end
  if a.holding then
    if a.held then keep('h:' .. replica, a.held) else drop[1] = 'h:' .. replica end
  end
  for f in pairs(a.changed) do
    local v = a.values[f]
    if v == 0 then drop[#drop + 1] = f else keep(f, v) end
  end
  redis.call('HSET', a.key, unpack(put))
  discard(a.key, drop)
end

-- rebase keeps the age of what a holds when the clock has stepped back and
-- nothing is charged: its time is corrected, its counters are not touched.
local function rebase(a)
  if a and a.rebased then redis.call('HSET', a.key, 'k', a.skew) end
end
