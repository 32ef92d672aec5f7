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

-- due reports whether a record that has grown to be longer is to be folded.
local function due(text, longer) return math.floor(#longer / FOLD) > math.floor(#text / FOLD) end

-- extend returns the text of a valid record to which charge c with this number is added.
local function extend(text, number, c, user, model)
  local running, _, _, u, m, i, o, q, rest = split(text)
  local head, more = headed(running, number), c.amount
  if alike(user, u + 0, c.user) and alike(model, m + 0, c.model) then
    local one = { user = u, model = m, amount = { i = i + more.i, o = o + more.o, r = q + more.r } }
    return head .. ';' .. written(one) .. rest
  end
  local longer = head .. ';' .. written(c) .. text:match(';.*$')
  return due(text, longer) and fold(longer, user, model) or longer
end
