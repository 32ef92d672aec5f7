-- slots: what is known of the replicas that serve a model. Writes nothing.
--
-- KEYS  1 the model's replicas
-- ARGV  1 nonce, 2 replica and what it has seen, 3 "ids": the replicas that are asked
--       about, a space between
-- Result { nonce, now, then per replica: ms since it was last heard, by the lease clock
--       (-1: it is not known); ms that its lease lasts still (not positive: it has ended);
--       its running requests }

local m = join(KEYS[1])
local ids, fields = {}, {}
for id in ARGV[3]:gmatch('%S+') do ids[#ids + 1], fields[#fields + 1] = id, 'r:' .. id end

local result = { ARGV[1] + 0, now }
local states = fetch(m.key, fields)
for i, id in ipairs(ids) do
  local state = states[i]
  local lasts, running = ends(m, state)
  result[3 * i], result[3 * i + 1], result[3 * i + 2] = state and max(0, LEASE - lasts) or -1, lasts, running
end
return result
