-- Merging: a charge more in a record.
--
-- Expects account.lua, charge.lua and record.lua.

-- FOLD is by how many bytes a record grows before its older charges are folded together,
-- which walks them all.
local FOLD = 1000

-- merge adds the amount of charge c to charge o, which gives back as c does.
local function merge(o, c)
  for meter, v in pairs(c.amount) do o.amount[meter] = o.amount[meter] + v end
end

-- bounds returns, for each ring of account a, the width of its slots, the newest slot
-- that has left it, and the time up to which charges are older than it.
local function bounds(a)
  if not a.bounds then
    a.bounds = {}
    for i, r in ipairs(a.rings) do a.bounds[i] = { r.width, r.head - r.slots, since(r) } end
  end
  return a.bounds
end

-- alike reports whether charges of account a at the times t and u will give back alike
-- from now on: in every ring, either both give nothing back any more, or both lie in
-- the same slot.
local function alike(a, t, u)
  if t == 0 or u == 0 then return t == u end
  if not a or not a.last then return false end
  local all = bounds(a)
  for i = 1, #all do
    local width, left, from = all[i][1], all[i][2], all[i][3]
    local s, v = (t - t % width) / width, (u - u % width) / width
    local goneT, goneU = t <= from or s <= left, u <= from or v <= left
    if goneT ~= goneU or not goneT and s ~= v then return false end
  end
  return true
end

-- fold returns the record that text is, with neighbours among its charges as one
-- where they give back alike.
local function fold(text, user, model)
  local r = read(text)
  local kept = { r.charges[1] }
  for i = 2, #r.charges do
    local c, newer = r.charges[i], kept[#kept]
    if alike(user, c.user, newer.user) and alike(model, c.model, newer.model) then
      merge(c, newer)
      kept[#kept] = c
    else
      kept[#kept + 1] = c
    end
  end
  r.charges = kept
  return recorded(r)
end

-- extend returns the text of a record to which charge c with this number is added.
local function extend(text, number, c, user, model)
  local running, stamp, u, m, i, o, q, rest = text:match('^(%d) %d+ (%d+);(%d+) (%d+) (%d+) (%d+) (%d+)(.*)$')
  local more = c.amount
  if alike(user, u + 0, c.user) and alike(model, m + 0, c.model) then
    return format('%s %s %s;%s %s %d %d %d', running, number, stamp, u, m, i + more.i, o + more.o, q + more.r) .. rest
  end
  local longer = format('%s %s %s;', running, number, stamp) .. written(c) .. text:match(';.*$')
  if slotAt(#longer, FOLD) == slotAt(#text, FOLD) then return longer end
  return fold(longer, user, model)
end
