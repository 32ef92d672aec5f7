-- Accounts: the counters of one user, or of a model, in one hash.
--
-- Fields of the hash:
--   t            the account's time when it was last charged, ms; never runs back
--   k            the account's time less the server's, ms; absent: 0
--   l            the rings that the account has, two letters each, e.g. "tmthtd"
--   s:NAME       the account's time when this ring was added to it, or reset, ms; absent
--                for the rings that the account began with
--   z            the id of the last reset; absent: there was none
--   NAME         the sum of a ring, e.g. tm: [t]okens per [m]inute
--   NAME<n>      a slot of a ring: what was charged in slot number s, s % slots = n
--   h:REPLICA    "running input output requests": what the requests of a replica
--                that are not settled hold
--   e:REPLICA    the enrolment of the replica that h:REPLICA is of: see replica.lua.
--                What another enrolment holds is void. Absent for replicas of the
--                release before, which have none
-- A field that would be 0 is absent. A ring's current slot follows from t.
--
-- Expects the prelude: now (ms), me (the id of the calling replica), WIDTH and
-- SLOTS by window letter (ms; slots kept, which is one more than make up the
-- window), TOLERANCE (ms).
--
-- An open account knows the sum and the current slot of every ring; older
-- slots are read when they are needed. Opening writes nothing.
--
-- Invariant: the sum of a ring is the sum of its slots, and no counter is
-- negative.

-- This runs for every request. Text becomes a number by arithmetic (text + 0),
-- for calling tonumber costs twice as much; so do floor and ipairs.

local max, min, sub, format = math.max, math.min, string.sub, string.format

-- enrolment is that of the calling replica; join sets it.
local enrolment = ''

-- slotAt returns the number of the slot of the given width at a moment.
local function slotAt(at, width) return (at - at % width) / width end

-- amount reads input, output and requests from ARGV at i; members are by meter.
local function amount(i)
  local input, output, requests = ARGV[i] + 0, ARGV[i + 1] + 0, ARGV[i + 2] + 0
  return { t = input + output, i = input, o = output, r = requests }
end

-- ringOf returns one window of one meter of account a, named by two letters,
-- as it is when nothing is known of it.
local function ringOf(a, name)
  local window = sub(name, 2)
  local width, slots = WIDTH[window], SLOTS[window]
  local head = slotAt(now, width)
  return {
    account = a, name = name, meter = sub(name, 1, 1), width = width, slots = slots,
    counted = true,                 -- the account has it; it is not new
    head = head,                    -- number of the current slot
    current = name .. head % slots, -- its field
    value = 0, sum = 0,             -- of the current slot; of all
    changed = false,
  }
end

-- load reads these slots.
local function load(a, fields)
  if #fields == 0 then return end
  local values = redis.call('HMGET', a.key, unpack(fields))
  for i = 1, #fields do a.older[fields[i]] = (values[i] or 0) + 0 end
end

-- slot returns the field and the value of slot number s of ring r.
local function slot(r, s)
  if s == r.head then return r.current, r.value end
  local f, older = r.name .. s % r.slots, r.account.older
  if not older[f] then load(r.account, { f }) end
  return f, older[f]
end

-- every reads every slot of ring r.
local function every(r)
  local missing, older = {}, r.account.older
  for i = 0, r.slots - 1 do
    local f = r.name .. i
    if f ~= r.current and not older[f] then missing[#missing + 1] = f end
  end
  load(r.account, missing)
end

-- setOlder changes a slot that is not the current one.
local function setOlder(a, f, value)
  a.touched = a.touched or {}
  a.older[f], a.touched[f] = value, value
end

-- cover adds to a the rings that it has (stored) and the policy has not, and
-- notes which of the policy's are new: they count from now on.
local function cover(a, stored)
  local rings, fields, known = a.rings, {}, #a.rings
  for i = 1, known do
    rings[i].counted = stored:find(rings[i].name) ~= nil
    a.grown = a.grown or not rings[i].counted
  end
  for name in stored:gmatch('..') do
    if not a.layout:find(name) then
      local r = ringOf(a, name)
      rings[#rings + 1] = r
      a.layout = a.layout .. name
      fields[#fields + 1] = name
      fields[#fields + 1] = r.current
    end
  end
  if #fields == 0 then return end
  local values = redis.call('HMGET', a.key, unpack(fields))
  for i = 1, #fields / 2 do
    local r = rings[known + i]
    r.sum, r.value = (values[2 * i - 1] or 0) + 0, (values[2 * i] or 0) + 0
  end
end

-- roll drops what has left ring r since slot was: the fields of the slots that
-- have begun hold what is a whole ring older.
local function roll(r, was)
  local a, gone = r.account, {}
  for s = max(was, r.head - r.slots) + 1, r.head - 1 do gone[#gone + 1] = r.name .. s % r.slots end
  load(a, gone)
  for _, f in ipairs(gone) do
    if a.older[f] ~= 0 then
      r.sum = r.sum - a.older[f]
      setOlder(a, f, 0)
    end
  end
  r.sum, r.value, r.changed = r.sum - r.value, 0, true
end

-- advance moves a, last charged at last, to the server's time. Time that steps
-- back a little stands still; when it steps back further, the account goes on
-- from where it was.
local function advance(a, last, skew)
  local at = max(now + skew, last)
  if last - now - skew > TOLERANCE then skew, a.rebased = last - now, true end
  a.at, a.last, a.skew = at, last, skew
  for i = 1, #a.rings do
    local r = a.rings[i]
    if at ~= now then
      r.head = slotAt(at, r.width)
      r.current = r.name .. r.head % r.slots
      r.value = (redis.call('HGET', a.key, r.current) or 0) + 0
    end
    local was = slotAt(last, r.width)
    if was < r.head and r.sum ~= 0 then roll(r, was) end
  end
end

-- open reads the account at key, with at least the rings of layout. It appends
-- these, in their order, to rules.
local function open(key, layout, rules)
  local a = {
    key = key, layout = layout, rings = {}, older = {}, touched = false,
    at = now, last = false, skew = 0, rebased = false, -- last: false where there is no account
    held = false, holding = false, stamped = false, grown = false, dirty = false,
  }
  local fields, rings, n = { 't', 'k', 'l', 'h:' .. me, 'e:' .. me }, a.rings, #layout / 2
  for i = 1, n do
    local r = ringOf(a, sub(layout, 2 * i - 1, 2 * i))
    rings[i], rules[#rules + 1] = r, r
    fields[4 + 2 * i], fields[5 + 2 * i] = r.name, r.current
  end
  local values = redis.call('HMGET', key, unpack(fields))
  for i = 1, n do
    local r = rings[i]
    r.sum, r.value = (values[4 + 2 * i] or 0) + 0, (values[5 + 2 * i] or 0) + 0
  end
  if values[4] then
    a.stamped = values[5] == enrolment
    a.held, a.holding = a.stamped and values[4], not a.stamped
  end
  if values[3] ~= layout then cover(a, values[3] or '') end
  if values[1] then advance(a, values[1] + 0, (values[2] or 0) + 0) end
  return a
end

-- exists reports whether there is account a, or rules need it.
local function exists(a) return a.last or #a.rings > 0 end

-- held reads what a replica holds of an account: running, input, output, requests.
local function held(text)
  if not text then return 0, 0, 0, 0 end
  local running, input, output, requests = text:match('^(%d+) (%d+) (%d+) (%d+)$')
  return running + 0, input + 0, output + 0, requests + 0
end
