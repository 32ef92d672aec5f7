-- Windows: when what is in a ring will have left.
--
-- Expects account.lua.

-- every reads every slot of ring r.
local function every(r)
  local missing, older = {}, r.account.older
  for i = 0, r.slots - 1 do
    local f = r.name .. i
    if f ~= r.current and not older[f] then missing[#missing + 1] = f end
  end
  load(r.account, missing)
end

-- left returns the ms until what was charged in slot number s has left ring r.
local function left(r, s) return (s + r.slots) * r.width - r.account.at end

-- wait returns the ms until excess has left ring r: the moment at which the
-- slots that hold it, the oldest first, have left.
local function wait(r, excess)
  if not r.counted then return 0 end
  every(r)
  local last = r.head
  for s = r.head - r.slots + 1, r.head do
    local _, value = slot(r, s)
    if value > 0 then
      last, excess = s, excess - value
      if excess <= 0 then break end
    end
  end
  return left(r, last)
end

-- reset returns the ms until ring r is empty if nothing more is charged.
local function reset(r)
  if r.sum == 0 then return 0 end
  if r.value > 0 then return left(r, r.head) end
  every(r)
  for s = r.head - 1, r.head - r.slots + 1, -1 do
    local _, value = slot(r, s)
    if value > 0 then return left(r, s) end
  end
  return 0
end
