-- Grants: what reserve and topup write once they admit.
--
-- Expects account.lua, charge.lua, replica.lua and record.lua.

-- sweep drops from account a what forgotten replicas hold of it.
local function sweep(a, m)
  local drop, known = {}, ' ' .. m.list .. ' '
  for _, f in ipairs(redis.call('HKEYS', a.key)) do
    if f:match('^[he]:') and not known:find(' ' .. f:sub(3) .. ' ', 1, true) then drop[#drop + 1] = f end
  end
  if #drop > 0 then redis.call('HDEL', a.key, unpack(drop)) end
end

-- charge charges account a, notes that the calling replica holds it, and
-- writes both. An account that is held outlives the request, whatever its
-- rings need; saying so costs a command about once a minute.
local function charge(a, m, running, what)
  local wasHeld = a.held
  for i = 1, #a.rings do
    local v = what[a.rings[i].meter]
    if v ~= 0 then add(a.rings[i], v) end
  end
  hold(a, 1, running, what)
  save(a)
  if a.grown or crossed(a, 60000) then
    expire(a, HELD)
    list(a)
  elseif not wasHeld and lifetime(a) < HELD then
    expire(a, HELD)
  end
  if a.last and crossed(a, 1800000) then sweep(a, m) end
end

-- grant charges the user's account, and the model's where there is one or rules need
-- it, and writes the record of the charge. running is 1 where it takes a running slot,
-- else 0. extended, where it is given, returns the number and text of a record with this
-- charge more; nil where it is to have one of its own. It returns the times of the user's
-- account and of the model's, 0 for none, and the number of the record.
local function grant(m, model, user, number, running, what, extended)
  local charged = exists(model) and model
  local c = { user = user.at, model = charged and charged.at or 0, amount = what }
  local part, text
  if extended then part, text = extended(c) end
  if not part then
    part, text = number, recorded({ running = running, last = '0', charges = { c } })
  end
  m.running = m.running + running
  enrol(m, { record(part), text }, LEASE)
  charge(user, m, running, what)
  if charged then charge(charged, m, 0, what) end
  return c.user, c.model, part
end
