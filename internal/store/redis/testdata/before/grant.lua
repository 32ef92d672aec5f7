-- Grants: what reserve and topup write once they admit.
--
-- Expects account.lua, charge.lua and replica.lua.

-- sweep drops from account a what forgotten replicas hold of it.
local function sweep(a, m)
  local drop, known = {}, ' ' .. m.list .. ' '
  for _, f in ipairs(redis.call('HKEYS', a.key)) do
    if f:sub(1, 2) == 'h:' and not known:find(' ' .. f:sub(3) .. ' ', 1, true) then drop[#drop + 1] = f end
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
    expire(a, max(HELD, lifetime(a)))
  elseif not wasHeld and lifetime(a) < HELD then
    expire(a, HELD)
  end
  if a.last and crossed(a, 1800000) then sweep(a, m) end
end

-- grant charges the accounts that there are, or that rules need, and writes
-- the record of the charge. running is 1 where it takes a running slot, else 0.
-- It returns the times of the user's and of the model's account; 0 for none.
local function grant(m, model, user, number, running, what)
  local charged = exists(model) and model
  local userAt, modelAt = user and user.at or 0, charged and charged.at or 0
  m.running = m.running + running
  enrol(m, { record(number), format('%d %d %d', running, userAt, modelAt) })
  if user then charge(user, m, running, what) end
  if charged then charge(charged, m, 0, what) end
  return userAt, modelAt
end
